// One sample as the report shows it: reasoning and answer apart, both cut to a bound, and its steps with their
// verdicts.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/json_fwd.h"
#include "eval/sample.h"

namespace retort::eval {

/// What a sample counts as. Each is exactly one of these; "truncated" and "empty" are said beside it.
enum class SampleVerdict {
  kRight,     ///< a score of 1
  kWrong,     ///< an answer was found and graded lower; a score in between is wrong too
  kUnparsed,  ///< as Outcome says
  kTimedOut,
  kFailed,
};
std::string_view to_string(SampleVerdict verdict);  ///< "right", "wrong", "unparsed", "timeout", "failed"
SampleVerdict verdict_of(const Sample& sample);

struct SampleShown {
  std::size_t output_bytes = 0;  ///< of reasoning and answer together, at most
  std::size_t steps = 0;         ///< listed at most; 0: they are not sought
};

/// The start and the end of a text, at least one byte of each unless `most` forbids it, cut between code points.
struct Excerpt {
  std::string text;
  std::size_t left_out = 0;  ///< bytes, from the middle
};
Excerpt excerpt_of(std::string_view text, std::size_t most);

/// `question` is its place in the list of questions, `question_text` what was asked (may be empty: then all numbers in
/// a step are of unknown origin, which is not told).
OrderedJson shown_sample(const Sample& sample, std::size_t question, std::string_view question_text,
                         const SampleShown& shown);

}  // namespace retort::eval
