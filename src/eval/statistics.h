// A mean over questions, and how far it may be off.
#pragma once

#include <cstdint>
#include <span>

namespace retort::eval {

/// A number that is never shown without what it was divided by.
struct Estimate {
  double value = 0;
  double standard_error = 0;  ///< 0 where count < 2: one question tells nothing of how questions differ
  std::int64_t count = 0;     ///< questions, not samples
};

/// Mean of one score for each question, and its standard error sqrt(sum (s_i - mean)^2 / (n (n - 1))).
///
/// Several samples of a question are averaged first (question_mean): they are answers to the same question, and to
/// count them as independent would make the error look smaller than it is. All zeros for no questions.
Estimate mean_estimate(std::span<const double> scores_of_questions);

/// Plain mean; 0 for nothing.
double question_mean(std::span<const double> scores_of_samples);

}  // namespace retort::eval
