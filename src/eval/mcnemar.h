// Whether two runs that answered the same questions differ by more than chance would make them: McNemar's exact test.
#pragma once

#include <cstdint>

namespace retort::eval {

/// Two-sided p-value from the questions on which the runs disagree: `only_a` that A alone has right and `only_b` that B
/// alone has. Under the hypothesis that neither is better each disagreement is a fair coin, so
///   p = min(1, 2 P[X <= min(only_a, only_b)]),  X ~ Binomial(only_a + only_b, 1/2).
/// Questions on which they agree say nothing about it. 1 where they never disagree.
double mcnemar_exact(std::int64_t only_a, std::int64_t only_b);

}  // namespace retort::eval
