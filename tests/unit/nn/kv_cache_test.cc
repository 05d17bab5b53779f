#include "nn/kv_cache.h"

#include <gtest/gtest.h>
#include <set>

namespace retort {
namespace {

ModelConfig small_kv_config() {
  ModelConfig config;
  config.num_hidden_layers = 3;
  config.num_key_value_heads = 2;
  config.num_attention_heads = 4;
  config.head_dim = 6;
  return config;
}

TEST(KvCache, KeepsEveryValueOfEveryLayerAndHead) {
  for (const KvCacheType type : {KvCacheType::kF32, KvCacheType::kBf16}) {
    const std::int64_t positions = 2 * kv_block_positions() + 5;
    const auto kv = make_sequence_kv(small_kv_config(), type, positions);
    // Whole numbers below 256: bf16 keeps them.
    const auto value = [](std::int64_t layer, std::int64_t head, std::int64_t position, std::int64_t d) {
      return static_cast<float>((layer * 67 + head * 31 + position * 7 + d) % 256);
    };
    const auto visit = [&](auto&& body) {
      for (std::int64_t position = 0; position < positions; ++position) {
        for (std::int64_t layer = 0; layer < 3; ++layer) {
          const KvBlockLayout& layout = kv->layouts().layer(layer);
          for (std::int64_t head = 0; head < 2; ++head) {
            body(layout, kv->block(layer, position / 64) + head * layout.head_bytes, layer, head, position);
          }
        }
      }
    };
    ASSERT_TRUE(kv->reserve(positions));
    visit([&](const KvBlockLayout& layout, std::byte* share, auto layer, auto head, auto position) {
      float k[6];
      float v[6];
      for (int d = 0; d < 6; ++d) {
        k[d] = value(layer, head, position, d);
        v[d] = -k[d];
      }
      store_kv(layout, share, position % 64, k, v);
    });
    kv->advance(positions);
    EXPECT_EQ(kv->length(), positions);
    visit([&](const KvBlockLayout& layout, const std::byte* share, auto layer, auto head, auto position) {
      float k[6];
      float v[6];
      load_kv(layout, share, position % 64, k, v);
      for (int d = 0; d < 6; ++d) {
        ASSERT_EQ(k[d], value(layer, head, position, d));
        ASSERT_EQ(v[d], -value(layer, head, position, d));
      }
    });
  }
}

TEST(KvCache, RefusesMoreThanItsBoundAndStaysAsItWas) {
  const auto kv = make_sequence_kv(small_kv_config(), KvCacheType::kBf16, 10);
  ASSERT_TRUE(kv->reserve(8));
  kv->advance(8);
  const Status status = kv->reserve(3);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::kExhausted);
  EXPECT_NE(status.error().message().find("10"), std::string::npos);
  EXPECT_EQ(kv->length(), 8);
  EXPECT_TRUE(kv->reserve(2));
}

TEST(KvCache, TruncateForgets) {
  const auto kv = make_sequence_kv(small_kv_config(), KvCacheType::kBf16, 1000);
  ASSERT_TRUE(kv->reserve(200));
  kv->advance(200);
  kv->truncate(70);
  EXPECT_EQ(kv->length(), 70);
  kv->truncate(100);
  EXPECT_EQ(kv->length(), 70);
  EXPECT_TRUE(kv->reserve(930));
}

TEST(KvLayouts, EdgeLayersStayBf16WhereTheOthersAreNarrow) {
  ModelConfig config = small_kv_config();
  config.num_hidden_layers = 5;
  const KvLayouts narrow(config, KvCacheType::kFp8E4m3, 1);
  EXPECT_EQ(narrow.layer(0).type, KvCacheType::kBf16);
  EXPECT_EQ(narrow.layer(1).type, KvCacheType::kFp8E4m3);
  EXPECT_EQ(narrow.layer(4).type, KvCacheType::kBf16);
  EXPECT_GT(narrow.block_bytes(0), narrow.block_bytes(1));
  const KvLayouts wide(config, KvCacheType::kF32, 1);
  EXPECT_EQ(wide.layer(0).type, KvCacheType::kF32);
}

}  // namespace
}  // namespace retort
