// retort eval describe: what a task asks, how it is graded, and what others scored on it.
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <string>

#include "cli/eval_commands.h"
#include "cli/eval_prepare.h"
#include "cli/safe_text.h"
#include "core/json.h"
#include "core/units.h"
#include "eval/question.h"
#include "eval/task_folder.h"

namespace retort::cli {
namespace {

struct DescribeOptions {
  std::string task;
  TaskDataOptions where;
  std::optional<std::int64_t> shots;
  bool prompt = false;
};

void print_file(const char* heading, const eval::TaskFile& file) {
  fmt::print("{:<10} {} ({}{})\n", heading, file.file.empty() ? "your own copy, given with --data" : file.file,
             eval::to_string(file.format), file.sha256.empty() ? "" : ", sha256 " + file.sha256.substr(0, 12) + "...");
}

void print_task(const eval::Task& task) {
  fmt::print("{}: {}\n{}\n\n", task.name, task.title, task.description);
  print_file("data", task.data);
  if (task.shots) {
    print_file("examples", *task.shots);
    fmt::print("{:<10} {} before each question, unless told otherwise\n", "", task.shots->count);
  }
  fmt::print("{:<10} {}{}, thinking: {}\n", "grade", eval::to_string(task.grade.kind),
             task.grade.profile.empty() ? "" : " (" + task.grade.profile + ")", grade::to_string(task.grade.think));
  if (eval::generates(task.grade.kind)) {
    const eval::TaskSampling& sampling = task.sampling;
    fmt::print("{:<10} {} of each question, temperature {}, top-p {}, at most {} tokens\n", "samples", sampling.samples,
               sampling.temperature, sampling.top_p, format_grouped(sampling.max_tokens));
  }
  if (task.choices && task.choices->shuffle_seed) {
    fmt::print("{:<10} in random order, seed {}\n", "choices", *task.choices->shuffle_seed);
  }
  if (!task.prompt.system.empty()) fmt::print("{:<10} {}\n", "system", terminal_safe(task.prompt.system));
  if (task.prompt.user) fmt::print("\nprompt:\n{}\n", terminal_safe(task.prompt.user->source()));
  if (!task.published.empty()) fmt::print("\npublished:\n");
  for (const eval::PublishedScore& entry : task.published) {
    fmt::print("  {:<24} {:<8} {:>7}  {}\n", entry.model, entry.metric, entry.score, entry.source);
  }
  fmt::print("\nSource, licence and protocol: {}\n", (task.folder / "README.md").string());
}

// The first question as the model gets it.
Status print_prompt(const eval::Task& task, const DescribeOptions& options) {
  RETORT_TRY(const auto path, eval::data_path(task, task.data, options.where.data));
  const std::int64_t count = options.shots.value_or(task.shots ? task.shots->count : 0);
  std::optional<std::filesystem::path> shots;
  if (count > 0 && task.shots) {
    RETORT_TRY(shots, eval::data_path(task, *task.shots, {.root = options.where.data.root}));
  }
  RETORT_TRY(const eval::TaskRows rows, eval::load_rows(task, path, shots));
  RETORT_TRY(const eval::Questions questions, eval::Questions::make(task, rows, count));
  RETORT_TRY(const eval::Question question, questions.at(0));
  fmt::print("{} questions in {}; the first, '{}', before the model's chat template:\n\n{}\n", questions.size(),
             rows.questions.path, terminal_safe(question.id), terminal_safe(question.prompt));
  for (const std::string& continuation : question.continuations) {
    fmt::print("scored: {}\n", terminal_safe(json_text(Json(continuation))));
  }
  if (!question.target.empty()) fmt::print("\nright answer: {}\n", terminal_safe(question.target));
  return {};
}

Status describe_task(const DescribeOptions& options) {
  RETORT_TRY(const auto folder, eval::tasks_folder(options.where.tasks));
  RETORT_TRY(const eval::Task task, eval::find_task(folder, options.task));
  if (options.prompt) return print_prompt(task, options);
  print_task(task);
  return {};
}

}  // namespace

void add_eval_describe(Command group) {
  auto options = std::make_shared<DescribeOptions>();
  Command command = group.add_subcommand("describe", "What a task asks, how it is graded, what others scored");
  command.footer("With --prompt, the first question of the data as it is asked, and its right answer.");
  command.add("TASK", options->task, "Its name, as 'retort eval list' has it").required();
  command.add_flag("--prompt", options->prompt, "Show the first question as it is asked; needs the data");
  add_task_data_options(command, options->where);
  command.add("--num-fewshot", options->shots, "Examples before the question [the task's]");
  command.on_use([options] { return describe_task(*options); });
}

}  // namespace retort::cli
