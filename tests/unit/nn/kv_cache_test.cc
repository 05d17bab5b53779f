#include "nn/kv_cache.h"

#include <gtest/gtest.h>

namespace retort {
namespace {

ModelConfig small_config() {
  ModelConfig config;
  config.num_hidden_layers = 3;
  config.num_key_value_heads = 2;
  config.num_attention_heads = 4;
  config.head_dim = 6;
  return config;
}

TEST(KvCache, KeepsEveryValueWhereRunsFindIt) {
  const ModelConfig config = small_config();
  const std::int64_t positions = 2 * kv_block_positions() + 5;
  const auto kv = make_sequence_kv(config, positions);
  const auto value = [](std::int64_t layer, std::int64_t head, std::int64_t position, std::int64_t d) {
    return static_cast<float>(((layer * 2 + head) * 1000 + position) * 8 + d);
  };
  for (std::int64_t position = 0; position < positions; ++position) {
    ASSERT_TRUE(kv->reserve(1));
    for (std::int64_t layer = 0; layer < 3; ++layer) {
      const SequenceKv::Slot slot = kv->slot(layer, position);
      for (std::int64_t head = 0; head < 2; ++head) {
        for (std::int64_t d = 0; d < 6; ++d) {
          slot.k[head * slot.head_stride + d] = value(layer, head, position, d);
          slot.v[head * slot.head_stride + d] = -value(layer, head, position, d);
        }
      }
    }
    kv->advance(1);
  }
  EXPECT_EQ(kv->length(), positions);
  for (std::int64_t layer = 0; layer < 3; ++layer) {
    for (std::int64_t head = 0; head < 2; ++head) {
      for (std::int64_t position = 3; position < positions;) {
        const KvRun run = kv->run(layer, head, position, positions);
        ASSERT_GE(run.positions, 1);
        for (std::int64_t i = 0; i < run.positions; ++i) {
          for (std::int64_t d = 0; d < 6; ++d) {
            EXPECT_EQ(run.k[i * run.stride + d], value(layer, head, position + i, d));
            EXPECT_EQ(run.v[i * run.stride + d], -value(layer, head, position + i, d));
          }
        }
        position += run.positions;
        if (position < positions) {
          EXPECT_EQ(position % kv_block_positions(), 0) << "runs end at block borders";
        }
      }
    }
  }
}

TEST(KvCache, RefusesMoreThanItsBoundAndStaysAsItWas) {
  const auto kv = make_sequence_kv(small_config(), 10);
  ASSERT_TRUE(kv->reserve(8));
  kv->advance(8);
  const auto refused = kv->reserve(3);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kExhausted);
  EXPECT_NE(refused.error().message().find("10 positions but 11"), std::string::npos);
  EXPECT_EQ(kv->length(), 8);
  EXPECT_TRUE(kv->reserve(2));
}

TEST(KvCache, TruncateForgetsTheRest) {
  const auto kv = make_sequence_kv(small_config(), 1000);
  ASSERT_TRUE(kv->reserve(200));
  kv->advance(200);
  kv->truncate(70);
  EXPECT_EQ(kv->length(), 70);
  kv->truncate(100);
  EXPECT_EQ(kv->length(), 70) << "truncate never makes it longer";
  EXPECT_TRUE(kv->reserve(930));
  EXPECT_FALSE(kv->reserve(931));
}

}  // namespace
}  // namespace retort
