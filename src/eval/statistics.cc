#include "eval/statistics.h"

#include <cmath>

namespace retort::eval {

double question_mean(std::span<const double> scores_of_samples) {
  if (scores_of_samples.empty()) return 0;
  double sum = 0;
  for (const double score : scores_of_samples) sum += score;
  return sum / static_cast<double>(scores_of_samples.size());
}

Estimate mean_estimate(std::span<const double> scores_of_questions) {
  const auto n = static_cast<std::int64_t>(scores_of_questions.size());
  Estimate estimate{.value = question_mean(scores_of_questions), .count = n};
  if (n < 2) return estimate;
  double squares = 0;
  for (const double score : scores_of_questions) squares += (score - estimate.value) * (score - estimate.value);
  estimate.standard_error = std::sqrt(squares / (static_cast<double>(n) * static_cast<double>(n - 1)));
  return estimate;
}

}  // namespace retort::eval
