// A row of a task as the question that a model is asked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/json.h"
#include "eval/dataset.h"
#include "eval/task.h"

namespace retort::eval {

struct Choice {
  std::string letter;  ///< "A", "B", ...
  std::string text;
};

struct Question {
  std::string id;
  std::int64_t row = 0;                    ///< in the data, from 0
  std::string system;                      ///< empty: no system message
  std::string prompt;                      ///< the user message, or the text to continue (TaskPrompt::Style)
  std::string target;                      ///< the right answer; the letter, for choices; empty where tests decide
  std::vector<Choice> choices;             ///< in the order asked
  std::size_t right_choice = 0;            ///< in `choices`
  std::vector<std::string> continuations;  ///< of the prompt, one a choice, for loglikelihood-choices
};

/// All rows that a task needs, read and checked.
struct TaskRows {
  Dataset questions;
  std::vector<std::string> ids;  ///< one a question
  Dataset shots;                 ///< no rows where no shots are asked for
};

/// Files of another content than the task was made with are warned of, once each; their sha256 is in the result.
Expected<TaskRows> load_rows(const Task& task, const std::filesystem::path& questions,
                             const std::optional<std::filesystem::path>& shots);

/// Fills in templates. Immutable; `task` and `rows` must outlive it.
class Questions {
 public:
  /// `shot_count`: examples before each question. kInvalidArgument where there are not so many.
  static Expected<Questions> make(const Task& task, const TaskRows& rows, std::int64_t shot_count);

  [[nodiscard]] std::size_t size() const { return rows_->questions.rows.size(); }
  /// `place` < size(). An error names the row.
  [[nodiscard]] Expected<Question> at(std::size_t place) const;

 private:
  Questions(const Task& task, const TaskRows& rows) : task_(&task), rows_(&rows) {}
  [[nodiscard]] Expected<OrderedJson> shots_for(const OrderedJson& row) const;

  const Task* task_;
  const TaskRows* rows_;
  std::int64_t shot_count_ = 0;
  std::vector<OrderedJson> shots_;  // the variables of each row of shots
};

/// What a template of the task sees of a row: the declared fields by name, all of them as `row`, `directive`, and with
/// choices `choices` ([{letter, text}], in the order asked), `answer_letter` and `answer_text`. `place` is the row's
/// number: the order of choices depends on it and on the seed alone.
// NOLINTNEXTLINE(bugprone-exception-escape): its move is nlohmann's, which throws nothing
struct RowVariables {
  OrderedJson variables;
  std::vector<Choice> choices;
  std::size_t right_choice = 0;
};
Expected<RowVariables> row_variables(const Task& task, const TaskFile& file, const OrderedJson& row, std::size_t place);

}  // namespace retort::eval
