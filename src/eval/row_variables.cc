#include <algorithm>
#include <utility>

#include "eval/question.h"
#include "eval/random.h"

namespace retort::eval {
namespace {

constexpr std::size_t kMaxChoices = 26;  // letters
// The streams of one seed that orders choices: one a row, apart from those of other uses (selection.cc).
constexpr std::uint64_t kChoiceStreams = std::uint64_t{1} << 32;

std::string text_of(const OrderedJson& value) {
  return value.is_string() ? value.get<std::string>() : json_text(value);
}

Expected<std::vector<std::string>> choice_texts(const TaskChoices& choices, const OrderedJson& row) {
  std::vector<std::string> texts;
  if (choices.list_field.empty()) {
    for (const std::string& field : choices.fields) texts.push_back(text_of(row.at(field)));
    return texts;
  }
  const OrderedJson& list = row.at(choices.list_field);
  if (!list.is_array() || list.empty() || list.size() > kMaxChoices) {
    return fail(ErrorCode::kCorrupt, "field '{}' must be a list of 1 to {} choices", choices.list_field, kMaxChoices);
  }
  for (const OrderedJson& value : list) texts.push_back(text_of(value));
  return texts;
}

Expected<std::size_t> right_of(const TaskChoices& choices, const OrderedJson& row, std::size_t count) {
  if (choices.answer_field.empty()) return std::size_t{0};
  const OrderedJson& answer = row.at(choices.answer_field);
  if (answer.is_number_integer()) {
    const auto number = answer.get<std::int64_t>();
    if (number >= 0 && static_cast<std::size_t>(number) < count) return static_cast<std::size_t>(number);
  }
  // As some files have it: the letter.
  if (answer.is_string()) {
    const auto& letter = answer.get_ref<const std::string&>();
    if (letter.size() == 1 && letter[0] >= 'A' && static_cast<std::size_t>(letter[0] - 'A') < count) {
      return static_cast<std::size_t>(letter[0] - 'A');
    }
  }
  return fail(ErrorCode::kCorrupt,
              "field '{}' must be the number of the right choice, 0 to {}, or its letter, but is "
              "{}",
              choices.answer_field, count - 1, json_text(answer));
}

Status add_choices(const TaskChoices& choices, const OrderedJson& row, std::size_t place, RowVariables& out) {
  RETORT_TRY(std::vector<std::string> texts, choice_texts(choices, row));
  if (texts.size() > kMaxChoices) return fail(ErrorCode::kCorrupt, "more than {} choices", kMaxChoices);
  RETORT_TRY(const std::size_t right, right_of(choices, row, texts.size()));
  std::vector<std::size_t> order(texts.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  if (choices.shuffle_seed) {
    order = permutation(order.size(), RandomStream(*choices.shuffle_seed, kChoiceStreams + place));
  }
  OrderedJson shown = OrderedJson::array();
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (order[i] == right) out.right_choice = i;
    Choice choice{std::string(1, static_cast<char>('A' + i)), std::move(texts[order[i]])};
    shown.push_back(OrderedJson{{"letter", choice.letter}, {"text", choice.text}});
    out.choices.push_back(std::move(choice));
  }
  out.variables["choices"] = std::move(shown);
  out.variables["answer_letter"] = out.choices[out.right_choice].letter;
  out.variables["answer_text"] = out.choices[out.right_choice].text;
  return {};
}

}  // namespace

Expected<RowVariables> row_variables(const Task& task, const TaskFile& file, const OrderedJson& row,
                                     std::size_t place) {
  RowVariables out;
  OrderedJson declared = OrderedJson::object();
  for (const std::string& field : file.fields) declared[field] = row.at(field);
  out.variables = declared;
  out.variables["row"] = declared;
  out.variables["directive"] = task.prompt.directive;
  if (task.choices) RETORT_TRY_STATUS(add_choices(*task.choices, declared, place, out));
  return out;
}

}  // namespace retort::eval
