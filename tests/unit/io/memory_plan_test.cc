// The memory plan: sums that are easy to do by hand, and sizes that would overflow.
#include "io/memory_plan.h"

#include <gtest/gtest.h>
#include <limits>

#include "testing/gguf_builder.h"
#include "testing/shared_data.h"
#include "testing/temp_dir.h"

namespace retort {
namespace {

using ::retort::testing::TempDir;
using ::retort::testing::tiny_gguf;

// The shape of a 1.5B: 28 layers, 2 key/value heads of 128.
ModelConfig shape_of_1_5b() {
  ModelConfig config;
  config.num_hidden_layers = 28;
  config.num_key_value_heads = 2;
  config.head_dim = 128;
  config.max_position_embeddings = 131072;
  config.layer_windows.assign(28, 0);
  return config;
}

TEST(MemoryPlan, KvPerTokenIsTheKnownFigure) {
  const ModelConfig config = shape_of_1_5b();
  EXPECT_EQ(kv_bytes_per_token(config, KvCacheType::kBf16), 28U * 1024) << "28 KiB, as published for the 1.5B";
  EXPECT_EQ(kv_bytes_per_token(config, KvCacheType::kF32), 56U * 1024);
  EXPECT_EQ(kv_bytes_per_token(config, KvCacheType::kFp8E4m3), 14U * 1024 + 28 * 2 * 2 * 4) << "with a scale per token and head";
  EXPECT_EQ(kv_bytes_per_token(config, KvCacheType::kInt8), 14U * 1024 + 28 * 2 * 2 * 4);
  EXPECT_EQ(kv_cache_bytes(config, KvCacheType::kBf16, 32768), 28ULL * 1024 * 32768);
}

TEST(MemoryPlan, ASlidingLayerHoldsItsWindow) {
  ModelConfig config = shape_of_1_5b();
  for (std::size_t i = 21; i < 28; ++i) config.layer_windows[i] = 4096;
  const auto layer = [](std::uint64_t positions) { return positions * 2 * 2 * 128 * 2; };
  EXPECT_EQ(kv_cache_bytes(config, KvCacheType::kBf16, 32768), 21 * layer(32768) + 7 * layer(4096));
  EXPECT_EQ(kv_cache_bytes(config, KvCacheType::kBf16, 1000), 28 * layer(1000)) << "shorter than the window";
}

TEST(MemoryPlan, SumsStopInsteadOfWrapping) {
  ModelConfig config = shape_of_1_5b();
  config.num_hidden_layers = 4096;
  config.num_key_value_heads = 4096;
  config.head_dim = 4096;
  config.layer_windows.assign(4096, 0);
  const std::int64_t positions = std::int64_t{1} << 31;
  EXPECT_EQ(kv_cache_bytes(config, KvCacheType::kF32, positions), std::numeric_limits<std::uint64_t>::max());
  const LengthPlan plan = plan_length(config, 5, positions);
  EXPECT_EQ(plan.total_bytes[0], std::numeric_limits<std::uint64_t>::max());
}

TEST(MemoryPlan, LengthsEndWithTheModelsMaximum) {
  ModelConfig config = shape_of_1_5b();
  EXPECT_EQ(suggested_lengths(config), (std::vector<std::int64_t>{8192, 16384, 32768, 65536, 131072}));
  config.max_position_embeddings = 4096;
  EXPECT_EQ(suggested_lengths(config), (std::vector<std::int64_t>{1024, 2048, 4096}));
  config.max_position_embeddings = 1;
  EXPECT_EQ(suggested_lengths(config), (std::vector<std::int64_t>{1}));
}

TEST(MemoryPlan, TotalIsWeightsAndCache) {
  const LengthPlan plan = plan_length(shape_of_1_5b(), 1000, 10);
  EXPECT_EQ(plan.max_model_len, 10);
  EXPECT_EQ(plan.kv_bytes[1], 10U * 28 * 1024);
  EXPECT_EQ(plan.total_bytes[1], 1000U + 10U * 28 * 1024);
}

TEST(MemoryPlan, CountsParametersAndBytesByType) {
  const TempDir dir;
  auto builder = tiny_gguf({.tied = true});
  const auto checkpoint = Checkpoint::open(dir.write("m.gguf", builder.build()).string());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message();
  const WeightsPlan plan = plan_weights(*checkpoint);
  // Embedding 16 x 8 and final norm 8; per layer two norms of 8, q 8x8 + 8, k and v 4x8 + 4 each, o 8x8, and the MLP's
  // three 12x8.
  const std::uint64_t parameters = 16 * 8 + 8 + 2 * (2 * 8 + 72 + 2 * 36 + 64 + 3 * 96);
  EXPECT_EQ(plan.parameters, parameters);
  EXPECT_EQ(plan.bytes, 4 * parameters);
  EXPECT_EQ(plan.tensors, 2U + 2 * 12);
  ASSERT_EQ(plan.types.size(), 1U);
  EXPECT_EQ(plan.types[0].dtype, DType::kF32);
}

TEST(MemoryPlanReal, The05BHasItsParameters) {
  RETORT_REAL_OR_SKIP(model, "0.5b");
  const auto checkpoint = Checkpoint::open(model.string());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message();
  const WeightsPlan plan = plan_weights(*checkpoint);
  EXPECT_EQ(plan.tensors, 291U);
  EXPECT_EQ(plan.parameters, 494'032'768U + 151'936U * 896) << "494 million, and this file has an output of its own";
  EXPECT_EQ(kv_bytes_per_token(checkpoint->config(), KvCacheType::kBf16), 12U * 1024);
}

}  // namespace
}  // namespace retort
