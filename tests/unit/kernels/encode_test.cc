// What encoding loses: round trips through the dequantizers, against what is known of each format.
#include "kernels/encode.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <random>
#include <vector>

#include "kernels/dispatch.h"

namespace retort {
namespace {

constexpr DType kEncoded[] = {DType::kF32,  DType::kF16,  DType::kBF16, DType::kQ8_0, DType::kQ4_0,
                              DType::kQ5_0, DType::kQ4_K, DType::kQ5_K, DType::kQ6_K};

std::vector<float> there_and_back(DType dtype, const std::vector<float>& x, const float* weight = nullptr) {
  const auto n = static_cast<std::int64_t>(x.size());
  std::vector<std::byte> row(*row_bytes(dtype, x.size()));
  encoder_of(dtype)(x.data(), weight, row.data(), n);
  std::vector<float> out(x.size());
  (*kernel_table(Isa::kRef))->dequantize[static_cast<int>(dtype)](row.data(), out.data(), n);
  return out;
}

std::vector<float> gaussian(std::size_t n, float sigma, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, sigma);
  std::vector<float> x(n);
  for (float& value : x) value = normal(random);
  return x;
}

// sqrt(sum w (x - y)^2 / sum w x^2)
double relative_error(const std::vector<float>& x, const std::vector<float>& y, const std::vector<float>& w) {
  double error = 0;
  double size = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double difference = static_cast<double>(x[i]) - y[i];
    error += w[i] * difference * difference;
    size += static_cast<double>(w[i]) * x[i] * x[i];
  }
  return std::sqrt(error / size);
}

TEST(Encode, LosesOnGaussiansWhatTheFormatsAreKnownToLose) {
  struct Known {
    DType dtype;
    double least;
    double most;
  };
  // A step of s loses s / sqrt(12): 2^-9 relative for BF16 at worst; 32 gaussians span 4.1 sigma, in 15 steps 0.079.
  constexpr Known kKnown[] = {
      {DType::kF32, 0, 0},           {DType::kF16, 1e-5, 3e-4},     {DType::kBF16, 1e-4, 2.5e-3},
      {DType::kQ8_0, 0.004, 0.006},  {DType::kQ4_0, 0.075, 0.090},  {DType::kQ5_0, 0.037, 0.046},
      {DType::kQ4_K, 0.065, 0.0745}, {DType::kQ5_K, 0.030, 0.0375}, {DType::kQ6_K, 0.014, 0.0195}};
  for (const float sigma : {1.0f, 0.02f}) {
    const std::vector<float> x = gaussian(256 * 200, sigma, 1);
    const std::vector<float> equal(x.size(), 1.0f);
    for (const Known& known : kKnown) {
      const double error = relative_error(x, there_and_back(known.dtype, x), equal);
      EXPECT_GE(error, known.least) << to_string(known.dtype);
      EXPECT_LE(error, known.most) << to_string(known.dtype);
    }
  }
}

TEST(Encode, EveryValueIsNearWhateverTheShape) {
  // Half a step of what the widest group spans, with a little for the scales' own rounding.
  const auto bound = [](DType dtype) {
    if (dtype == DType::kQ8_0) return 0.0045;
    if (dtype == DType::kQ6_K) return 0.04;
    if (dtype == DType::kQ5_K || dtype == DType::kQ5_0) return 0.1;
    return dtype == DType::kQ4_K || dtype == DType::kQ4_0 ? 0.2 : 0.004;
  };
  std::mt19937 random(7);
  std::uniform_real_distribution<float> uniform(0.0f, 1.0f);
  for (int shape = 0; shape < 6; ++shape) {
    std::vector<float> x(512);
    float largest = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float u = uniform(random);
      const float values[] = {
          u, -u, u - 0.5f, u < 0.9f ? 0.0f : 1.0f, static_cast<float>(i % 32) - 9.0f, 3.0f + 0.1f * u};
      x[i] = values[shape];
      largest = std::max(largest, std::abs(x[i]));
    }
    for (const DType dtype : kEncoded) {
      const std::vector<float> y = there_and_back(dtype, x);
      for (std::size_t i = 0; i < x.size(); ++i) {
        ASSERT_LE(std::abs(x[i] - y[i]), bound(dtype) * largest)
            << to_string(dtype) << " shape " << shape << " i " << i;
      }
    }
  }
}

TEST(Encode, ImportanceLowersTheErrorThatItWeighs) {
  const std::vector<float> x = gaussian(256 * 100, 1.0f, 3);
  std::mt19937 random(4);
  std::lognormal_distribution<float> spread(0.0f, 1.5f);
  std::vector<float> weight(x.size());
  for (float& w : weight) w = spread(random);
  for (const DType dtype : {DType::kQ4_0, DType::kQ5_0, DType::kQ4_K, DType::kQ5_K, DType::kQ6_K}) {
    const double without = relative_error(x, there_and_back(dtype, x), weight);
    const double with = relative_error(x, there_and_back(dtype, x, weight.data()), weight);
    EXPECT_LT(with, 0.95 * without) << to_string(dtype);
  }
}

TEST(Encode, ZerosAndExtremesStayFinite) {
  for (const DType dtype : kEncoded) {
    EXPECT_EQ(there_and_back(dtype, std::vector<float>(256, 0.0f)), std::vector<float>(256, 0.0f));
    for (const float size : {1e-30f, 1e-7f, 60000.0f}) {
      std::vector<float> x = gaussian(256, 1.0f, 5);
      for (float& value : x) value = std::clamp(value * size, -65504.0f, 65504.0f);
      const std::vector<float> no_weight(256, 0.0f);
      for (const float* weight : {static_cast<const float*>(nullptr), no_weight.data()}) {
        const std::vector<float> y = there_and_back(dtype, x, weight);
        for (std::size_t i = 0; i < x.size(); ++i) ASSERT_LE(std::abs(y[i]), 2 * 65504.0f) << to_string(dtype) << size;
      }
    }
  }
  EXPECT_EQ(encoder_of(DType::kQ2_K), nullptr);
  EXPECT_EQ(encoder_of(DType::kI32), nullptr);
}

TEST(Encode, WhatWasDecodedEncodesToNearlyItself) {
  const std::vector<float> x = gaussian(256 * 20, 0.1f, 6);
  const std::vector<float> equal(x.size(), 1.0f);
  for (const DType dtype : kEncoded) {
    const std::vector<float> once = there_and_back(dtype, x);
    EXPECT_LE(relative_error(once, there_and_back(dtype, once), equal), is_block_quantized(dtype) ? 0.02 : 0.0)
        << to_string(dtype);
  }
}

}  // namespace
}  // namespace retort
