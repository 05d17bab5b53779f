#include "eval/pass_at_k.h"

#include <algorithm>
#include <cmath>

namespace retort::eval {
namespace {

bool can_tell(Tries tries, std::int64_t k) { return k >= 1 && k <= tries.n && tries.c >= 0 && tries.c <= tries.n; }

// log C(n, k); lgamma_r, since lgamma writes a global.
double log_choose(std::int64_t n, std::int64_t k) {
  int sign = 0;
  const auto log_factorial = [&sign](std::int64_t x) { return lgamma_r(static_cast<double>(x) + 1, &sign); };
  return log_factorial(n) - log_factorial(k) - log_factorial(n - k);
}

// Probability that at least `wanted` of k are right: the upper tail of the hypergeometric distribution.
double at_least(Tries tries, std::int64_t k, std::int64_t wanted) {
  const std::int64_t wrong = tries.n - tries.c;
  double sum = 0;
  for (std::int64_t right = std::max(wanted, k - wrong); right <= std::min(tries.c, k); ++right) {
    sum += std::exp(log_choose(tries.c, right) + log_choose(wrong, k - right) - log_choose(tries.n, k));
  }
  return std::min(sum, 1.0);
}

// ceil(tau k), where a product such as 0.2 x 5 = 1.0000000000000002 must not become 2.
std::int64_t wanted_of(double tau, std::int64_t k) {
  const double product = tau * static_cast<double>(k);
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(std::ceil(product - 1e-9)), 1, k);
}

}  // namespace

std::optional<double> pass_at_k(Tries tries, std::int64_t k) {
  if (!can_tell(tries, k)) return std::nullopt;
  if (tries.n - tries.c < k) return 1.0;
  double none = 1;
  for (std::int64_t i = tries.n - tries.c + 1; i <= tries.n; ++i) {
    none *= 1.0 - static_cast<double>(k) / static_cast<double>(i);
  }
  return 1.0 - none;
}

std::optional<double> g_pass_at_k(Tries tries, std::int64_t k, double tau) {
  if (!can_tell(tries, k) || !(tau >= 0 && tau <= 1)) return std::nullopt;
  return at_least(tries, k, wanted_of(tau, k));
}

std::optional<double> mean_g_pass_at_k(Tries tries, std::int64_t k) {
  if (!can_tell(tries, k)) return std::nullopt;
  double sum = 0;
  for (std::int64_t i = (k + 1) / 2 + 1; i <= k; ++i) sum += at_least(tries, k, i);
  return 2 * sum / static_cast<double>(k);
}

}  // namespace retort::eval
