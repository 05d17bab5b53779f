// That the sampler draws from the distribution it says it draws from: chi-square over many positions, seeds fixed.
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <vector>

#include "engine/sampler.h"

namespace retort {
namespace {

// Draws `n` tokens and gives chi-square against `expected` probabilities; a token of probability 0 must never come.
double chi_square(const std::vector<float>& logits, const SamplingParams& params, const std::vector<double>& expected,
                  int n) {
  std::vector<int> drawn(logits.size());
  const TokenCounts counts(static_cast<std::int64_t>(logits.size()));
  for (int i = 0; i < n; ++i) {
    std::vector<float> scratch = logits;
    ++drawn[sample_token(scratch, params, counts, 11, static_cast<std::uint32_t>(i)).id];
  }
  double chi = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (expected[i] == 0) {
      EXPECT_EQ(drawn[i], 0) << "token " << i;
      continue;
    }
    const double mean = expected[i] * n;
    chi += (drawn[i] - mean) * (drawn[i] - mean) / mean;
  }
  return chi;
}

std::vector<double> softmax_of(const std::vector<float>& logits, double temperature, const std::vector<int>& kept) {
  std::vector<double> p(logits.size());
  double sum = 0;
  for (const int id : kept) sum += p[id] = std::exp(logits[id] / temperature);
  for (double& value : p) value /= sum;
  return p;
}

std::vector<int> first_ids(int n) {
  std::vector<int> ids(n);
  for (int i = 0; i < n; ++i) ids[i] = i;
  return ids;
}

// Falling: token i is the i-th likeliest.
std::vector<float> falling(int n) {
  std::vector<float> logits;
  for (int i = 0; i < n; ++i) logits.push_back(-0.3f * static_cast<float>(i));
  return logits;
}

// The 0.001 point of chi-square with k degrees of freedom is about k + 3.1 sqrt(2k) + 6: by chance, one seed in a
// thousand fails; those used here do not.
double limit(int degrees) { return degrees + 3.1 * std::sqrt(2.0 * degrees) + 6; }

TEST(SamplerStatistics, FullDistribution) {
  const auto logits = falling(12);
  for (const double temperature : {0.6, 1.0, 2.0}) {
    const auto expected = softmax_of(logits, temperature, first_ids(12));
    EXPECT_LT(chi_square(logits, {.temperature = temperature, .seed = 1}, expected, 30'000), limit(11)) << temperature;
  }
}

TEST(SamplerStatistics, TopK) {
  const auto logits = falling(12);
  EXPECT_LT(chi_square(logits, {.top_k = 5, .seed = 2}, softmax_of(logits, 1, first_ids(5)), 30'000), limit(4));
}

TEST(SamplerStatistics, TopP) {
  // p_i is proportional to r^i, r = exp(-0.3) = 0.741: the first n hold (1 - r^n) / (1 - r^12), so 0.8 needs n = 5
  // (0.799 with 5 and 0.858 with 6: six).
  const auto logits = falling(12);
  EXPECT_LT(chi_square(logits, {.top_p = 0.8, .seed = 3}, softmax_of(logits, 1, first_ids(6)), 30'000), limit(5));
}

TEST(SamplerStatistics, MinP) {
  // exp(-0.3 i) >= 0.25 for i <= 4.
  const auto logits = falling(12);
  EXPECT_LT(chi_square(logits, {.min_p = 0.25, .seed = 4}, softmax_of(logits, 1, first_ids(5)), 30'000), limit(4));
}

TEST(SamplerStatistics, ManyBlocksOfAUniformRow) {
  // Three blocks and a tail, all equal.
  const std::vector<float> logits(1600, 2.5f);
  const std::vector<double> expected(1600, 1.0 / 1600);
  EXPECT_LT(chi_square(logits, {.seed = 5}, expected, 32'000), limit(1599));
  EXPECT_LT(chi_square(logits, {.top_k = 3, .seed = 6}, expected, 32'000), limit(1599));  // all tie with the third
}

TEST(SamplerStatistics, SequencesAndSeedsAreIndependent) {
  // Pairs (token of sequence 0, token of sequence 1) at the same position, and likewise of two seeds: 4 x 4 cells.
  const std::vector<float> logits(4, 0.0f);
  const TokenCounts counts(4);
  for (const bool by_seed : {false, true}) {
    std::vector<int> cells(16);
    constexpr int kDraws = 16'000;
    for (std::uint32_t i = 0; i < kDraws; ++i) {
      std::vector<float> a = logits;
      std::vector<float> b = logits;
      const auto first = sample_token(a, {.seed = 9}, counts, 0, i).id;
      const auto second = sample_token(b, {.seed = by_seed ? 10u : 9u}, counts, by_seed ? 0 : 1, i).id;
      ++cells[first * 4 + second];
    }
    double chi = 0;
    for (const int n : cells) chi += (n - kDraws / 16.0) * (n - kDraws / 16.0) / (kDraws / 16.0);
    EXPECT_LT(chi, limit(15)) << by_seed;
  }
}

TEST(SamplerStatistics, SameKeySameToken) {
  const auto logits = falling(100);
  const TokenCounts counts(100);
  for (std::uint32_t i = 0; i < 50; ++i) {
    std::vector<float> a = logits;
    std::vector<float> b = logits;
    EXPECT_EQ(sample_token(a, {.temperature = 3, .seed = 8}, counts, 2, i).id,
              sample_token(b, {.temperature = 3, .seed = 8}, counts, 2, i).id);
  }
}

}  // namespace
}  // namespace retort
