#include "eval/task_config.h"

#include "core/json.h"

namespace retort::eval {
namespace {

Json source_of(const std::optional<RowTemplate>& source) { return source ? Json(source->source()) : Json(); }

}  // namespace

Json task_config(const Task& task, const TaskRows& rows, std::int64_t shot_count) {
  Json config = {{"task", task.name},
                 {"task_version", task.version},
                 {"data_sha256", rows.questions.sha256},
                 {"num_fewshot", shot_count},
                 {"prompt",
                  {{"style", task.prompt.style == TaskPrompt::Style::kChat ? "chat" : "text"},
                   {"system", task.prompt.system},
                   {"directive", task.prompt.directive},
                   {"user", source_of(task.prompt.user)}}},
                 {"grade", to_string(task.grade.kind)},
                 {"grade_profile", task.grade.profile},
                 {"think", grade::to_string(task.grade.think)},
                 {"target", source_of(task.grade.target)}};
  if (shot_count > 0) config["fewshot_sha256"] = rows.shots.sha256;
  if (task.choices) {
    const auto& seed = task.choices->shuffle_seed;
    config["choices"] = {{"shuffle_seed", seed ? Json(*seed) : Json()},
                         {"continuation", source_of(task.choices->continuation)}};
  }
  return config;
}

}  // namespace retort::eval
