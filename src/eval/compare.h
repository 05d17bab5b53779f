// Two runs over the same questions: which is better, and whether that can be told at all.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "eval/bootstrap.h"
#include "eval/scores.h"
#include "eval/statistics.h"

namespace retort::eval {

struct Flip {
  std::string id;
  double a = 0;  ///< the question's mean score in each run
  double b = 0;
};

struct Comparison {
  std::int64_t pairs = 0;   ///< questions that both runs answered; all below is of these
  std::int64_t only_a = 0;  ///< questions that one run alone answered
  std::int64_t only_b = 0;
  double mean_a = 0;
  double mean_b = 0;
  Estimate difference;         ///< b - a, its error that of paired differences
  Interval interval;           ///< of the difference, by the bootstrap over questions
  std::vector<Flip> better_a;  ///< in the order of the data
  std::vector<Flip> better_b;
  /// McNemar's exact test; with several samples a question, the same test of which run has the higher mean.
  double p_value = 1;
  double level = 0.95;  ///< of the interval

  /// 1 - level is also what p_value is held against.
  enum class Verdict { kNothing, kBorderline, kABetter, kBBetter } verdict = Verdict::kNothing;
  /// How many questions would settle a difference of the size that was seen; nothing where none was seen.
  std::optional<std::int64_t> questions_needed;
};

Comparison compare_runs(std::span<const QuestionScore> a, std::span<const QuestionScore> b,
                        BootstrapOptions options = {});

/// What can be concluded, for a reader who knows no statistics. No line break.
std::string conclusion(const Comparison& comparison);

}  // namespace retort::eval
