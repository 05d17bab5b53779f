#include "eval/mcnemar.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace retort::eval {

double mcnemar_exact(std::int64_t only_a, std::int64_t only_b) {
  const std::int64_t n = only_a + only_b;
  const std::int64_t fewer = std::min(only_a, only_b);
  if (n == 0) return 1;
  // In logarithms: 2^-n is no double from n = 1075 on.
  int sign = 0;
  const auto log_factorial = [&sign](std::int64_t x) { return lgamma_r(static_cast<double>(x) + 1, &sign); };
  const double all = log_factorial(n) - static_cast<double>(n) * std::numbers::ln2;
  double tail = 0;
  for (std::int64_t x = 0; x <= fewer; ++x) tail += std::exp(all - log_factorial(x) - log_factorial(n - x));
  return std::min(1.0, 2 * tail);
}

}  // namespace retort::eval
