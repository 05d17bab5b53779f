#include "eval/loglikelihood.h"

#include <algorithm>
#include <vector>

#include "core/error.h"

namespace retort::eval {

std::size_t likeliest(std::span<const double> loglikelihoods) {
  RETORT_CHECK(!loglikelihoods.empty());
  std::size_t best = 0;
  for (std::size_t i = 1; i < loglikelihoods.size(); ++i) {
    const bool best_is_nan = loglikelihoods[best] != loglikelihoods[best];
    if (loglikelihoods[i] > loglikelihoods[best] || (best_is_nan && loglikelihoods[i] == loglikelihoods[i])) best = i;
  }
  return best;
}

std::size_t likeliest_by_length(std::span<const double> loglikelihoods, std::span<const std::string> choices) {
  RETORT_CHECK(loglikelihoods.size() == choices.size());
  std::vector<double> scaled(loglikelihoods.begin(), loglikelihoods.end());
  for (std::size_t i = 0; i < scaled.size(); ++i) {
    scaled[i] /= static_cast<double>(std::max<std::size_t>(choices[i].size(), 1));
  }
  return likeliest(scaled);
}

}  // namespace retort::eval
