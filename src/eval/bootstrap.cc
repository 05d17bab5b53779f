#include "eval/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/error.h"
#include "eval/random.h"

namespace retort::eval {
namespace {

// Between the two neighbours of the place (n - 1) q, as numpy's default does.
double quantile(const std::vector<double>& sorted, double q) {
  const double place = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - std::floor(place)) * (sorted[above] - sorted[below]);
}

}  // namespace

Interval bootstrap_mean(std::span<const double> values, BootstrapOptions options) {
  RETORT_CHECK(options.resamples > 0 && options.level > 0 && options.level < 1);
  if (values.empty()) return {};
  const auto n = static_cast<std::uint32_t>(values.size());
  std::vector<double> means(static_cast<std::size_t>(options.resamples));
  for (std::size_t r = 0; r < means.size(); ++r) {
    RandomStream random(options.seed, r);
    double sum = 0;
    for (std::uint32_t i = 0; i < n; ++i) sum += values[random.below(n)];
    means[r] = sum / n;
  }
  std::sort(means.begin(), means.end());
  const double tail = (1 - options.level) / 2;
  return {.low = quantile(means, tail), .high = quantile(means, 1 - tail)};
}

}  // namespace retort::eval
