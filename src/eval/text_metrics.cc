#include "eval/text_metrics.h"

namespace retort::eval {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n\v\f";
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

double exact_match(std::string_view answer, std::string_view gold) { return trimmed(answer) == trimmed(gold) ? 1 : 0; }

}  // namespace retort::eval
