#include "eval/question.h"

#include <utility>

#include "core/log.h"

namespace retort::eval {
namespace {

Expected<Dataset> load_file(const Task& task, const TaskFile& file, const std::filesystem::path& path) {
  RETORT_TRY(Dataset dataset, read_dataset(path, file.format));
  RETORT_TRY_STATUS(require_fields(dataset, file.fields));
  if (!file.sha256.empty() && dataset.sha256 != file.sha256) {
    log(LogLevel::kWarn,
        "task {}: {} is not the file that the task was made with (sha256 {}, not {}): scores need not compare",
        task.name, dataset.path, dataset.sha256, file.sha256);
  }
  return dataset;
}

OrderedJson with_shots(const OrderedJson& variables, OrderedJson shots) {
  OrderedJson all = variables;
  all["shots"] = std::move(shots);
  return all;
}

}  // namespace

Expected<TaskRows> load_rows(const Task& task, const std::filesystem::path& questions,
                             const std::optional<std::filesystem::path>& shots) {
  TaskRows rows;
  RETORT_TRY(rows.questions, load_file(task, task.data, questions));
  RETORT_TRY_STATUS(require_fields(rows.questions, task.data.grader_fields));
  RETORT_TRY(rows.ids, row_ids(rows.questions, task.data.id_field));
  if (shots && task.shots) {
    RETORT_TRY(rows.shots, load_file(task, *task.shots, *shots));
  }
  return rows;
}

Expected<Questions> Questions::make(const Task& task, const TaskRows& rows, std::int64_t shot_count) {
  Questions questions(task, rows);
  const auto there = static_cast<std::int64_t>(rows.shots.rows.size());
  if (shot_count < 0 || shot_count > there) {
    return fail(ErrorCode::kInvalidArgument, "task {}: cannot show {} examples before a question; {}", task.name,
                shot_count,
                task.shots ? fmt::format("its file of examples has {}", there) : "it has no table 'fewshot'");
  }
  questions.shot_count_ = shot_count;
  if (shot_count == 0) return questions;
  for (std::size_t i = 0; i < rows.shots.rows.size(); ++i) {
    auto variables = row_variables(task, *task.shots, rows.shots.rows[i].value, i);
    if (!variables) return fail(std::move(variables).error().within(rows.shots.place(rows.shots.rows[i])));
    questions.shots_.push_back(std::move(variables->variables));
  }
  return questions;
}

Expected<OrderedJson> Questions::shots_for(const OrderedJson& row) const {
  OrderedJson shots = OrderedJson::array();
  if (shot_count_ == 0) return shots;
  const std::string& same = task_->shots->same_field;
  for (std::size_t i = 0; i < shots_.size() && shots.size() < static_cast<std::size_t>(shot_count_); ++i) {
    if (!same.empty() && shots_[i].at("row").value(same, OrderedJson()) != row.at(same)) continue;
    shots.push_back(shots_[i]);
  }
  if (shots.size() < static_cast<std::size_t>(shot_count_)) {
    return fail(ErrorCode::kInvalidArgument, "only {} of {} examples have its '{}', {}; ask for fewer", shots.size(),
                shot_count_, same, json_text(row.at(same)));
  }
  return shots;
}

Expected<Question> Questions::at(std::size_t place) const {
  const Row& row = rows_->questions.rows.at(place);
  const auto here = [&](Error error) { return fail(std::move(error).within(rows_->questions.place(row))); };
  auto found = row_variables(*task_, task_->data, row.value, place);
  if (!found) return here(std::move(found).error());
  auto shots = shots_for(row.value);
  if (!shots) return here(std::move(shots).error());
  const OrderedJson variables = with_shots(found->variables, std::move(*shots));

  Question question{.id = rows_->ids.at(place),
                    .row = static_cast<std::int64_t>(place),
                    .system = task_->prompt.system,
                    .choices = std::move(found->choices),
                    .right_choice = found->right_choice};
  if (task_->prompt.user) {
    auto prompt = task_->prompt.user->render(variables);
    if (!prompt) return here(std::move(prompt).error());
    question.prompt = std::move(*prompt);
  }
  if (task_->grade.target) {
    auto target = task_->grade.target->render(variables);
    if (!target) return here(std::move(target).error());
    question.target = std::move(*target);
  } else if (task_->choices) {
    question.target = question.choices[question.right_choice].letter;
  }
  if (task_->choices && task_->choices->continuation) {
    for (const Choice& choice : question.choices) {
      OrderedJson seen = variables;
      seen["letter"] = choice.letter;
      seen["text"] = choice.text;
      auto continuation = task_->choices->continuation->render(seen);
      if (!continuation) return here(std::move(continuation).error());
      question.continuations.push_back(std::move(*continuation));
    }
  }
  return question;
}

}  // namespace retort::eval
