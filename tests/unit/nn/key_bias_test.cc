// Biases of keys before an 8-bit cache: what is taken out, what is balanced, and that no error of rounding is left of
// them.
#include "nn/key_bias.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <gtest/gtest.h>
#include <limits>
#include <memory>
#include <new>
#include <random>

#include "kernels/kv_block.h"

namespace retort {
namespace {

constexpr std::int64_t kHeadSize = 64;

ModelConfig qwen_like() {
  ModelConfig config;
  config.num_attention_heads = 4;
  config.num_key_value_heads = 2;
  config.head_dim = kHeadSize;
  config.rope_theta = 1e6;
  config.max_position_embeddings = 32768;
  return config;
}

TEST(KeyBias, SlowPairsAreTakenOutAndFastOnesBalanced) {
  std::vector<float> bias(2 * kHeadSize, 0.0f);
  bias[kHeadSize + 0] = 40.0f;  // of head 1; turns by a radian per position
  bias[kHeadSize + 32] = -30.0f;
  bias[31] = 350.0f;  // of head 0; turns by a ten-thousandth of one over a block
  const KeyBias result = key_bias(qwen_like(), bias);
  ASSERT_EQ(result.balance.size(), bias.size());
  EXPECT_EQ(result.balance[kHeadSize + 0], 32.0f);  // the largest power of two that is no more than 50
  EXPECT_EQ(result.balance[kHeadSize + 32], 32.0f);
  EXPECT_EQ(result.offset[kHeadSize + 0], 0.0f);
  EXPECT_EQ(result.offset[31], 350.0f);
  EXPECT_EQ(result.balance[31], 1.0f);
  EXPECT_EQ(std::ranges::count(result.balance, 1.0f), 2 * kHeadSize - 2);
  EXPECT_TRUE(key_bias(qwen_like(), {}).empty());
}

TEST(KeyBias, WhateverIsInTheFileTheBalanceIsAPowerOfTwo) {
  const float infinity = std::numeric_limits<float>::infinity();
  const float largest = std::numeric_limits<float>::max();
  std::vector<float> bias(2 * kHeadSize, 0.0f);
  const float strange[] = {infinity, -infinity, std::nanf(""), largest, -largest, 1e-44f, -0.0f, 1.99f};
  for (std::size_t i = 0; i < std::size(strange); ++i) {
    bias[i] = strange[i];
    bias[kHeadSize + 24 + i] = strange[i];  // slow ones
  }
  const KeyBias result = key_bias(qwen_like(), bias);
  for (std::size_t i = 0; i < bias.size(); ++i) {
    const float by = result.balance[i];
    ASSERT_TRUE(by >= 1 && by <= 65536 && by == std::exp2(std::round(std::log2(by)))) << i << ": " << by;
    EXPECT_EQ(by, result.balance[i % kHeadSize < kHeadSize / 2 ? i + kHeadSize / 2 : i - kHeadSize / 2]) << i;
  }
  EXPECT_EQ(result.balance[7], 1.0f);
  EXPECT_EQ(result.balance[3], 65536.0f);
}

// The largest error in the dimensions without a bias, of keys stored in 8 bits, each dimension divided by `balance`.
float error_beside_the_bias(const std::vector<float>& bias, const std::vector<float>& balance, KvCacheType type) {
  const KvBlockLayout layout = kv_block_layout(type, kHeadSize);
  constexpr std::align_val_t kAlign{64};
  const auto free = [](std::byte* p) { ::operator delete[](p, kAlign); };
  const std::unique_ptr<std::byte[], decltype(free)> head(
      static_cast<std::byte*>(::operator new[](static_cast<std::size_t>(layout.head_bytes), kAlign)), free);
  const std::vector<float> zeros(kHeadSize, 0.0f);
  store_kv_offset(layout, head.get(), zeros.data());
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  float worst = 0;
  for (std::int64_t position = 0; position < kKvBlockPositions; ++position) {
    std::vector<float> k(kHeadSize);
    std::vector<float> stored(kHeadSize);
    std::vector<float> v(kHeadSize);
    for (std::int64_t d = 0; d < kHeadSize; ++d) k[d] = normal(random);
    for (std::int64_t d = 0; d < kHeadSize; ++d) stored[d] = (k[d] + bias[d]) / balance[d];
    store_kv(layout, head.get(), position, stored.data(), zeros.data());
    load_kv(layout, head.get(), position, stored.data(), v.data());
    for (std::int64_t d = 0; d < kHeadSize; ++d) {
      if (bias[d] == 0) worst = std::max(worst, std::abs(stored[d] * balance[d] - k[d]));
    }
  }
  return worst;
}

TEST(KeyBias, NoDimensionPaysForTheBiasOfAnother) {
  std::vector<float> bias(2 * kHeadSize, 0.0f);
  bias[0] = 57.0f;
  bias[32] = 12.0f;
  const KeyBias result = key_bias(qwen_like(), bias);
  const std::vector<float> ones(2 * kHeadSize, 1.0f);
  // 58 / 254 without a balance; with it keys are below 4, and half a step of their scale is 4 / 254.
  EXPECT_GT(error_beside_the_bias(bias, ones, KvCacheType::kInt8), 0.2f);
  EXPECT_LT(error_beside_the_bias(bias, result.balance, KvCacheType::kInt8), 0.02f);
}

}  // namespace
}  // namespace retort
