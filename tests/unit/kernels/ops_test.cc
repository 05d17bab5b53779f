// Kernels on activations: every tail, misalignment, and the numbers that are none.
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "fixtures.h"

namespace retort {
namespace {

using testing::bits_of;
using testing::KernelTest;
using testing::random_floats;
using testing::ref_table;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr std::int64_t kMostTail = 2 * 4 * 16 + 3;  // two rounds of the widest unrolled loop, and some

class Ops : public KernelTest {};
RETORT_FOR_ALL_TABLES(Ops);

/// Calls body(n, offset): every length, from an aligned and from a misaligned start.
template <typename Body>
void for_tails(const Body& body) {
  for (std::int64_t n = 0; n <= kMostTail; ++n) {
    for (std::int64_t offset = 0; offset < 2; ++offset) body(n, offset);
  }
}

// A sum of n squares is off by at most (n / 8 + 16) 2^-24 relative (all terms have one sign), its root by half of
// that, and four roundings follow.
TEST_P(Ops, RmsNorm) {
  std::mt19937 random(1);
  for_tails([&](std::int64_t n, std::int64_t offset) {
    if (n == 0) return;
    const std::vector<float> x = random_floats(random, n + offset, 3.0f);
    const std::vector<float> weight = random_floats(random, n + offset);
    std::vector<float> y(n + offset + 1, 7.0f);
    table().rms_norm(x.data() + offset, weight.data() + offset, y.data() + offset, n, 1e-6f);
    const double mean = testing::exact_dot(x.data() + offset, x.data() + offset, n).sum / static_cast<double>(n);
    const double scale = 1 / std::sqrt(mean + static_cast<double>(1e-6f));
    for (std::int64_t i = offset; i < n + offset; ++i) {
      const double want = static_cast<double>(x[i]) * scale * static_cast<double>(weight[i]);
      const double relative = (static_cast<double>(n) / 16 + 8 + 4) * 0x1p-24;
      ASSERT_NEAR(y[i], want, relative * std::abs(want)) << n;
    }
    ASSERT_EQ(y[n + offset], 7.0f);
  });
}

TEST_P(Ops, RmsNormOfZerosIsZerosAndOfNanIsNan) {
  std::vector<float> x(40, 0.0f);
  const std::vector<float> weight(40, 2.0f);
  std::vector<float> y(40);
  table().rms_norm(x.data(), weight.data(), y.data(), 40, 1e-5f);
  for (const float value : y) EXPECT_EQ(value, 0.0f);
  x[37] = kNan;
  table().rms_norm(x.data(), weight.data(), y.data(), 40, 1e-5f);
  for (const float value : y) EXPECT_TRUE(std::isnan(value));
}

TEST_P(Ops, RmsNormMayWorkInPlace) {
  std::mt19937 random(2);
  std::vector<float> x = random_floats(random, 77);
  const std::vector<float> weight = random_floats(random, 77);
  std::vector<float> y(77);
  table().rms_norm(x.data(), weight.data(), y.data(), 77, 1e-6f);
  table().rms_norm(x.data(), weight.data(), x.data(), 77, 1e-6f);
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_EQ(bits_of(x[i]), bits_of(y[i]));
}

// No sums in these: every instruction set has ref's bits.
TEST_P(Ops, RopeAddAxpyHaveTheBitsOfRef) {
  std::mt19937 random(3);
  for_tails([&](std::int64_t n, std::int64_t offset) {
    const std::vector<float> x = random_floats(random, n + offset);
    const std::vector<float> cos = random_floats(random, n + offset);
    const std::vector<float> sin = random_floats(random, n + offset);
    std::vector<float> y = random_floats(random, 2 * n + offset + 1);
    std::vector<float> want = y;
    const auto expect_same = [&](const char* what) {
      for (std::size_t i = 0; i < y.size(); ++i) ASSERT_EQ(bits_of(y[i]), bits_of(want[i])) << what << " n " << n;
    };
    table().rope(y.data() + offset, cos.data() + offset, sin.data() + offset, 2 * n);
    ref_table().rope(want.data() + offset, cos.data() + offset, sin.data() + offset, 2 * n);
    expect_same("rope");
    table().add(y.data() + offset, x.data() + offset, n);
    ref_table().add(want.data() + offset, x.data() + offset, n);
    expect_same("add");
    table().axpy(y.data() + offset, x.data() + offset, 0.37f, n);
    ref_table().axpy(want.data() + offset, x.data() + offset, 0.37f, n);
    expect_same("axpy");
  });
}

// exp is within 1.5 ulp (2^-23 each); a sum, a quotient and a product round once more each: 3 * 2^-23 relative.
TEST_P(Ops, SiluMul) {
  std::mt19937 random(4);
  for_tails([&](std::int64_t n, std::int64_t offset) {
    std::vector<float> gate = random_floats(random, n + offset + 1, 8.0f);
    const std::vector<float> before = gate;
    const std::vector<float> up = random_floats(random, n + offset);
    table().silu_mul(gate.data() + offset, up.data() + offset, n);
    for (std::int64_t i = offset; i < n + offset; ++i) {
      const double g = before[i];
      const double want = g / (1 + std::exp(-g)) * static_cast<double>(up[i]);
      ASSERT_NEAR(gate[i], want, 3 * 0x1p-23 * std::abs(want)) << g;
    }
    ASSERT_EQ(gate[n + offset], before[n + offset]);
  });
}

TEST_P(Ops, SiluMulOfExtremes) {
  const std::vector<float> gates = {0.0f, -0.0f, 87.0f, -87.0f, 88.8f, -88.8f, 104.0f, -104.0f, 1e30f, -1e30f, kInf};
  std::vector<float> gate = gates;
  gate.push_back(kNan);
  const std::vector<float> up(gate.size(), 1.0f);
  table().silu_mul(gate.data(), up.data(), static_cast<std::int64_t>(gate.size()));
  for (std::size_t i = 0; i < gates.size(); ++i) {
    const double g = gates[i];
    const double want = g / (1 + std::exp(-g));
    if (std::isinf(want)) {
      EXPECT_EQ(gate[i], kInf);
      continue;
    }
    // Below -88.7 the fp32 exponential is infinite and the result -0, as it is in ref and in Hugging Face.
    EXPECT_NEAR(gate[i], want, 1e-36 + 3 * 0x1p-23 * std::abs(want)) << g;
  }
  EXPECT_TRUE(std::isnan(gate.back()));
}

TEST_P(Ops, ArgmaxFindsTheFirstOfEquals) {
  std::mt19937 random(5);
  for_tails([&](std::int64_t n, std::int64_t offset) {
    if (n == 0) return;
    std::vector<float> x = random_floats(random, n + offset);
    for (float& value : x) value = std::round(value);  // many equals
    ASSERT_EQ(table().argmax(x.data() + offset, n), ref_table().argmax(x.data() + offset, n)) << n;
  });
}

TEST_P(Ops, ArgmaxPassesNanOver) {
  for (std::int64_t n = 1; n <= 40; ++n) {
    std::vector<float> x(n, kNan);
    EXPECT_EQ(table().argmax(x.data(), n), 0) << "nothing but NaN";
    x[n - 1] = -kInf;
    EXPECT_EQ(table().argmax(x.data(), n), n - 1) << "-infinity is a number";
    x[n / 2] = -3.0f;
    EXPECT_EQ(table().argmax(x.data(), n), n / 2);
    x[0] = kInf;
    EXPECT_EQ(table().argmax(x.data(), n), 0);
  }
}

TEST_P(Ops, LogSumExp) {
  std::mt19937 random(6);
  for_tails([&](std::int64_t n, std::int64_t offset) {
    if (n == 0) return;
    for (const float shift : {0.0f, 500.0f, -30000.0f}) {
      std::vector<float> x = random_floats(random, n + offset, 5.0f);
      for (float& value : x) value += shift;
      const double want = ref_table().log_sum_exp(x.data() + offset, n);
      // In double throughout: 1e-13 is a hundred times what it rounds, and a million times below fp32.
      ASSERT_NEAR(table().log_sum_exp(x.data() + offset, n), want, 1e-13 * (1 + std::abs(want))) << n;
    }
  });
}

TEST_P(Ops, LogSumExpOfExtremes) {
  for (std::int64_t n = 1; n <= 40; ++n) {
    std::vector<float> x(n, -kInf);
    EXPECT_EQ(table().log_sum_exp(x.data(), n), -static_cast<double>(kInf));
    x[n - 1] = 2.5f;
    EXPECT_EQ(table().log_sum_exp(x.data(), n), 2.5) << "masked out tokens weigh nothing";
    x[n / 2] = kInf;
    EXPECT_EQ(table().log_sum_exp(x.data(), n), static_cast<double>(kInf));
    x[0] = kNan;
    EXPECT_TRUE(std::isnan(table().log_sum_exp(x.data(), n)));
    x.assign(n, -1000.0f);
    x[n - 1] = kNan;
    EXPECT_TRUE(std::isnan(table().log_sum_exp(x.data(), n)));
  }
}

}  // namespace
}  // namespace retort
