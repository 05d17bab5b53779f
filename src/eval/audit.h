// What a person should look at before a score is believed: verdicts drawn at random, right and wrong alike, and the
// answers that the conventions of other graders would judge otherwise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/cancel.h"
#include "core/error.h"
#include "eval/sample.h"
#include "grade/answer_part.h"
#include "grade/maths/maths_worker.h"
#include "grade/maths/profile.h"

namespace retort::eval {

/// Places in `samples`, sorted: half of `count` right (a score above 0), half wrong, and where one side has too few
/// more of the other. All where there are not so many. A function of the seed on every machine.
std::vector<std::size_t> draw_verdicts(std::span<const Sample> samples, std::size_t count, std::uint64_t seed);

/// The last `bytes` of a text at most, begun at a whole UTF-8 character.
std::string_view tail_of(std::string_view text, std::size_t bytes);

struct ProfileVerdict {
  grade::MathsProfile profile = grade::MathsProfile::kMathVerify;
  grade::MathsVerdict verdict;
};

/// An answer that is right by one profile and wrong by another.
struct Disagreement {
  std::size_t place = 0;  ///< in the samples
  std::vector<ProfileVerdict> verdicts;
};

struct DisagreementOptions {
  grade::ThinkPolicy think = grade::ThinkPolicy::kStrip;
  int jobs = 2;  ///< answers graded at a time
};

/// Grades each sample that has an answer part by all four profiles. In the order of the samples. kCancelled; other
/// errors are those of a worker that cannot be started.
Expected<std::vector<Disagreement>> find_disagreements(std::span<const Sample> samples, grade::MathsGrader& grader,
                                                       const DisagreementOptions& options, const CancelToken& cancel);

}  // namespace retort::eval
