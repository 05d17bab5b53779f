// Where in a response its answer stands.
//
// In this order: the last \boxed or \fbox, and those close before it that "and" or a comma joins to it; what follows
// the last "answer is" or "Answer:"; the response itself where it is no prose; the last formula or number.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace retort::grade {

enum class AnswerSearch {
  kAnywhere,
  kBoxedOnly,
};

/// Without the dollars around it; nothing where no place holds an answer.
std::optional<std::string> extract_answer(std::string_view response, AnswerSearch search = AnswerSearch::kAnywhere);

/// The contents of the last \boxed or \fbox and of those that belong to it, in order; none where there is no box with
/// something in it. A last box that is not closed reaches to the end of the text.
std::vector<std::string> last_boxes(std::string_view text);

/// The last number in a text as it stands there, with its sign, fraction and percent sign; separators of thousands and
/// currency dropped: "-40" of "net change of -$40".
std::optional<std::string> last_number(std::string_view text);

/// A right answer as the data has it: in its box, its formula, or as it is.
std::string gold_answer(std::string_view gold);

}  // namespace retort::grade
