// Any text as a mathematical answer: parsed within the limits or refused, and equal to itself where it is a number.
// Deciding is left to rational arithmetic and to the parser: Calcium's work has a deadline elsewhere.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/error.h"
#include "grade/maths/extract.h"
#include "grade/maths/meaning.h"
#include "grade/maths/parser.h"
#include "grade/maths/rational.h"
#include "grade/maths/real_set.h"
#include "grade/steps/chains.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace retort::grade;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto answer = extract_answer(text);
  static_cast<void>(last_number(text));
  static_cast<void>(find_chains(text, 100));
  for (const std::string_view part : {text, answer ? std::string_view(*answer) : std::string_view()}) {
    const auto parsed = parse_answer(part);
    if (!parsed) continue;
    static_cast<void>(to_text(*parsed));
    static_cast<void>(values_of(*parsed, MathsProfile::kMathVerify));
    static_cast<void>(real_set_of(*parsed, PairReading::kInterval));
    const auto value = rational_value(*parsed);
    RETORT_CHECK(!value || *value == *rational_value(*parsed));
  }
  return 0;
}
