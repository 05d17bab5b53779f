// How likely k samples of a question hold a right one, estimated from n samples of which c are right.
#pragma once

#include <cstdint>
#include <optional>

namespace retort::eval {

/// n samples of one question, c of them right.
struct Tries {
  std::int64_t n = 0;
  std::int64_t c = 0;
};

/// Unbiased: 1 - C(n-c, k) / C(n, k) = 1 - prod_{i=n-c+1}^{n} (1 - k/i), and 1 where n - c < k
/// (Chen et al., Evaluating large language models trained on code, 2021, equation 1).
/// Nothing unless 1 <= k <= n and 0 <= c <= n: from fewer than k samples it cannot be told.
std::optional<double> pass_at_k(Tries tries, std::int64_t k);

/// G-Pass@k_tau: the probability that at least max(1, ceil(tau k)) of k samples drawn without replacement are right
/// (Liu et al., Are your LLMs capable of stable reasoning?, 2024). tau in [0, 1]; nothing as for pass_at_k.
std::optional<double> g_pass_at_k(Tries tries, std::int64_t k, double tau);

/// mG-Pass@k: 2/k times the sum of G-Pass@k_{i/k} over i = ceil(k/2) + 1 .. k. 0 for k = 1, whose sum is empty.
std::optional<double> mean_g_pass_at_k(Tries tries, std::int64_t k);

}  // namespace retort::eval
