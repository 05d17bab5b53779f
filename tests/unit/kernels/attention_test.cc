// Attention of a group of query heads over runs of positions.
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "fixtures.h"

namespace retort {
namespace {

using testing::bits_of;
using testing::KernelTest;
using testing::random_floats;

constexpr float kMinusInf = -std::numeric_limits<float>::infinity();

class Attention : public KernelTest {};
RETORT_FOR_ALL_TABLES(Attention);

struct AttentionCase {
  AttentionCase(std::mt19937& random, std::int64_t heads_, std::int64_t head_dim_, std::int64_t positions_,
                float spread)
      : heads(heads_),
        head_dim(head_dim_),
        positions(positions_),
        stride(head_dim_ + 3),  // rows of K and V then start at any element
        q(random_floats(random, heads * head_dim, spread)),
        k(random_floats(random, positions * stride)),
        v(random_floats(random, positions * stride)) {}

  std::int64_t heads;
  std::int64_t head_dim;
  std::int64_t positions;
  std::int64_t stride;
  std::vector<float> q;
  std::vector<float> k;
  std::vector<float> v;
  [[nodiscard]] float scale() const { return 1.0f / std::sqrt(static_cast<float>(head_dim)); }
};

/// Runs of the lengths given, one after another; out divided by the sum. [heads, head_dim]
std::vector<float> attend(const KernelTable& table, const AttentionCase& c, const std::vector<std::int64_t>& runs) {
  std::vector<float> out(c.heads * c.head_dim, 0.0f);
  std::vector<AttentionState> state(c.heads, AttentionState{kMinusInf, 0});
  std::int64_t position = 0;
  for (const std::int64_t n : runs) {
    table.attention({c.q.data(), c.k.data() + position * c.stride, c.v.data() + position * c.stride, out.data(),
                     state.data(), c.heads, c.head_dim, n, c.stride, c.scale()});
    position += n;
  }
  for (std::int64_t i = 0; i < c.heads * c.head_dim; ++i) out[i] /= state[i / c.head_dim].sum;
  return out;
}

/// The same in double, with the whole row of scores at hand.
std::vector<double> exact(const AttentionCase& c) {
  std::vector<double> out(c.heads * c.head_dim, 0.0);
  for (std::int64_t h = 0; h < c.heads; ++h) {
    std::vector<double> weights;
    double max = -std::numeric_limits<double>::infinity();
    for (std::int64_t p = 0; p < c.positions; ++p) {
      const double dot = testing::exact_dot(&c.q[h * c.head_dim], &c.k[p * c.stride], c.head_dim).sum;
      weights.push_back(static_cast<double>(c.scale()) * dot);
      max = std::max(max, weights.back());
    }
    double sum = 0;
    for (double& w : weights) sum += w = std::exp(w - max);
    for (std::int64_t p = 0; p < c.positions; ++p) {
      for (std::int64_t i = 0; i < c.head_dim; ++i) {
        out[h * c.head_dim + i] += weights[p] / sum * static_cast<double>(c.v[p * c.stride + i]);
      }
    }
  }
  return out;
}

// A score s = q.k * scale is rounded to about (head_dim / 8 + 16) 2^-24 of the magnitude of its terms, and an error e
// in a score is a relative error e in its weight; values are near 1. For |q| of 1 and |k| of 1 that is below
// sqrt(128) * 32 * 2^-24 = 2e-5.
void expect_near_exact(const std::vector<float>& out, const AttentionCase& c, double tolerance) {
  const std::vector<double> want = exact(c);
  for (std::size_t i = 0; i < out.size(); ++i) {
    ASSERT_NEAR(out[i], want[i], tolerance)
        << "heads " << c.heads << " head_dim " << c.head_dim << " positions " << c.positions << " at " << i;
  }
}

TEST_P(Attention, EveryNumberOfHeadsAndHeadDim) {
  std::mt19937 random(1);
  for (std::int64_t heads = 1; heads <= 9; ++heads) {
    for (const std::int64_t head_dim : {2, 6, 16, 30, 64, 80, 96, 100, 128, 256}) {
      for (const std::int64_t positions : {1, 5, 37}) {
        const AttentionCase c(random, heads, head_dim, positions, 1.0f);
        expect_near_exact(attend(table(), c, {positions}), c, 2e-5);
      }
    }
  }
}

TEST_P(Attention, EveryNumberOfPositions) {
  std::mt19937 random(2);
  for (std::int64_t positions = 1; positions <= 70; ++positions) {
    const AttentionCase c(random, 3, 20, positions, 1.0f);
    expect_near_exact(attend(table(), c, {positions}), c, 2e-5);
  }
}

// Scores of hundreds, in an order that raises the maximum again and again.
TEST_P(Attention, LargeScoresDoNotOverflow) {
  std::mt19937 random(3);
  AttentionCase c(random, 4, 64, 100, 100.0f);
  for (std::int64_t p = 0; p < c.positions; ++p) {
    for (std::int64_t i = 0; i < c.head_dim; ++i) c.k[p * c.stride + i] *= 0.05f * static_cast<float>(p);
  }
  expect_near_exact(attend(table(), c, {100}), c, 5e-3);  // scores of 500 are rounded to 3e-5 each, times terms
}

TEST_P(Attention, ContinuedRunsAgreeWithOneRun) {
  std::mt19937 random(4);
  for (const std::int64_t head_dim : {64, 80}) {
    const AttentionCase c(random, 7, head_dim, 203, 2.0f);
    const std::vector<float> whole = attend(table(), c, {203});
    for (const std::vector<std::int64_t>& runs :
         {std::vector<std::int64_t>{1, 202}, {100, 103}, {15, 17, 171}, {0, 203, 0}, {33, 33, 33, 33, 33, 33, 5}}) {
      const std::vector<float> parts = attend(table(), c, runs);
      for (std::size_t i = 0; i < whole.size(); ++i) ASSERT_NEAR(parts[i], whole[i], 1e-5);
      const std::vector<float> again = attend(table(), c, runs);
      for (std::size_t i = 0; i < whole.size(); ++i) ASSERT_EQ(bits_of(parts[i]), bits_of(again[i]));
    }
  }
}

// What a paged cache needs: blocks of a multiple of 16 positions, and the bits are those of one long run.
TEST_P(Attention, RunsCutAtMultiplesOf16HaveTheSameBits) {
  std::mt19937 random(5);
  const AttentionCase c(random, 7, 64, 203, 2.0f);
  const std::vector<float> whole = attend(table(), c, {203});
  for (const std::vector<std::int64_t>& runs :
       {std::vector<std::int64_t>{16, 187}, {64, 64, 64, 11}, {32, 160, 11}, {112, 91}}) {
    const std::vector<float> parts = attend(table(), c, runs);
    for (std::size_t i = 0; i < whole.size(); ++i) ASSERT_EQ(bits_of(parts[i]), bits_of(whole[i]));
  }
}

TEST_P(Attention, AHeadHasTheSameBitsWhateverHeadsAreBesideIt) {
  std::mt19937 random(6);
  const AttentionCase all(random, 8, 80, 53, 1.0f);
  const std::vector<float> together = attend(table(), all, {53});
  for (std::int64_t heads = 1; heads < 8; ++heads) {
    AttentionCase some = all;
    some.heads = heads;
    some.q.assign(all.q.begin() + all.head_dim, all.q.begin() + (1 + heads) * all.head_dim);
    const std::vector<float> out = attend(table(), some, {53});
    for (std::size_t i = 0; i < out.size(); ++i) ASSERT_EQ(bits_of(out[i]), bits_of(together[all.head_dim + i]));
  }
}

TEST_P(Attention, ScoresOfMinusInfinityWeighNothing) {
  std::mt19937 random(7);
  AttentionCase c(random, 2, 8, 40, 1.0f);
  for (float& x : c.q) x = std::abs(x);
  const AttentionCase finite = c;
  for (std::int64_t i = 0; i < c.head_dim; ++i) {
    for (std::int64_t p = 0; p < 20; ++p) c.k[p * c.stride + i] = kMinusInf;
  }
  const std::vector<float> out = attend(table(), c, {16, 24});
  AttentionCase rest = finite;
  rest.positions = 20;
  rest.k.erase(rest.k.begin(), rest.k.begin() + 20 * rest.stride);
  rest.v.erase(rest.v.begin(), rest.v.begin() + 20 * rest.stride);
  expect_near_exact(out, rest, 2e-5);
}

TEST_P(Attention, NanComesOutOfItsHeadOnly) {
  std::mt19937 random(8);
  AttentionCase c(random, 5, 64, 21, 1.0f);
  c.q[3 * 64 + 9] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> out = attend(table(), c, {21});
  for (std::int64_t i = 0; i < 5 * 64; ++i) EXPECT_EQ(std::isnan(out[i]), i / 64 == 3) << i;
}

}  // namespace
}  // namespace retort
