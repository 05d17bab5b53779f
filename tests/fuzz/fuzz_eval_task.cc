// Any text as task.toml: an error, or a task whose templates can be filled in with a row.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/error.h"
#include "core/json.h"
#include "eval/question.h"
#include "eval/task.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto task = retort::eval::parse_task({reinterpret_cast<const char*>(data), size}, "t/task.toml");
  if (!task) return 0;
  RETORT_CHECK(task->name == "t" && !task->data.fields.empty());
  RETORT_CHECK(task->sampling.samples > 0 && task->sampling.max_tokens > 0);
  retort::OrderedJson row = retort::OrderedJson::object();
  for (const auto& field : task->data.fields) row[field] = "x";
  if (task->choices && !task->choices->list_field.empty()) row[task->choices->list_field] = {"u", "v", "w"};
  if (task->choices && !task->choices->answer_field.empty()) row[task->choices->answer_field] = 1;
  retort::eval::TaskRows rows;
  rows.questions.rows.push_back({1, row});
  rows.ids = {"0"};
  const auto questions = retort::eval::Questions::make(*task, rows, 0);
  RETORT_CHECK(questions.has_value());
  const auto question = questions->at(0);
  if (!question || question->choices.empty()) return 0;
  RETORT_CHECK(question->right_choice < question->choices.size());
  return 0;
}
