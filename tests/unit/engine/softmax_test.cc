#include "engine/softmax.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <limits>
#include <random>

namespace retort {
namespace {

constexpr float kMinusInf = -std::numeric_limits<float>::infinity();

TEST(Softmax, ExpIsExp) {
  for (double x = 0; x > -87; x -= 0.00137) {
    const auto narrow = static_cast<float>(x);
    const double expected = std::exp(static_cast<double>(narrow));
    ASSERT_NEAR(exp_weight(narrow) / expected, 1.0, 3e-7) << narrow;
  }
  EXPECT_EQ(exp_weight(0.0f), 1.0f);
  EXPECT_EQ(exp_weight(-87.5f), 0.0f);
  EXPECT_EQ(exp_weight(-1e30f), 0.0f);
  EXPECT_EQ(exp_weight(kMinusInf), 0.0f);
}

TEST(Softmax, RowMaxSeesEveryPlaceAndNaN) {
  for (std::size_t size : {1, 2, 7, 8, 9, 15, 16, 17, 100}) {
    for (std::size_t i = 0; i < size; ++i) {
      std::vector<float> row(size, -3.0f);
      row[i] = -1.0f;
      EXPECT_EQ(row_max(row), -1.0f) << size << " " << i;
      EXPECT_EQ(first_of(row, -1.0f), static_cast<std::int32_t>(i));
      row[i] = std::numeric_limits<float>::quiet_NaN();
      EXPECT_TRUE(std::isnan(row_max(row))) << size << " " << i;
    }
  }
  EXPECT_EQ(row_max(std::vector<float>(20, kMinusInf)), kMinusInf);
}

TEST(Softmax, KthLargestIsThatOfASort) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<float> row(1 + random() % 5000);
    const bool few_values = round % 3 == 0;  // many ties
    for (float& x : row) x = few_values ? static_cast<float>(random() % 4) : static_cast<float>(random()) * 1e-8f;
    if (round % 5 == 0) row[random() % row.size()] = kMinusInf;
    if (round % 7 == 0) std::sort(row.begin(), row.end());  // rising: the worst for a bound that rises
    std::vector<float> sorted = row;
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    for (std::size_t k : {std::size_t{1}, row.size() / 3 + 1, row.size()}) {
      ASSERT_EQ(kth_largest(row, static_cast<std::int64_t>(k)), sorted[k - 1]) << "round " << round << " k " << k;
    }
  }
}

TEST(Softmax, DrawGoesByTheRunningSum) {
  // Weights 1, 1, 0, 1 and, in the next blocks, nothing but zeros.
  std::vector<float> logits(1500, kMinusInf);
  logits[0] = logits[1] = logits[3] = 5.0f;
  const Softmax softmax(logits, 5.0f, 1.0, kMinusInf);
  EXPECT_EQ(softmax.total(), 3.0);
  EXPECT_EQ(softmax.draw(0.0), 0);
  EXPECT_EQ(softmax.draw(0.33), 0);
  EXPECT_EQ(softmax.draw(0.34), 1);
  EXPECT_EQ(softmax.draw(0.67), 3);
  EXPECT_EQ(softmax.draw(1.0 - 0x1p-53), 3);
  EXPECT_EQ(softmax.draw(1.0), 3);  // beyond what is promised: what rounding could do
}

TEST(Softmax, BoundCutsOff) {
  const std::vector<float> logits = {1.0f, 2.0f, 3.0f};
  EXPECT_NEAR(Softmax(logits, 3.0f, 1.0, 2.0).total(), 1 + std::exp(-1.0), 1e-6);
  EXPECT_EQ(Softmax(logits, 3.0f, 1.0, 2.0 + 1e-12).total(), 1.0);
  EXPECT_EQ(Softmax(logits, 3.0f, 1.0, 99.0).total(), 1.0);
  EXPECT_NEAR(Softmax(logits, 3.0f, 0.5, kMinusInf).total(), 1 + std::exp(-2.0) + std::exp(-4.0), 1e-6);
}

}  // namespace
}  // namespace retort
