// The configuration that GGUF metadata gives.
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "io/checkpoint.h"
#include "testing/exact_bytes.h"
#include "testing/expect_error.h"
#include "testing/gguf_builder.h"

namespace retort {
namespace {

using ::retort::testing::ExactBytes;
using ::retort::testing::expect_error;
using ::retort::testing::GgufBuilder;
using ::retort::testing::tiny_gguf;

Expected<ModelConfig> config_of(const GgufBuilder& builder) {
  const ExactBytes bytes(builder.build());
  RETORT_TRY(const GgufFile file, GgufFile::parse(bytes.span(), "m.gguf"));
  return model_config_from_gguf(file);
}

ModelConfig good(const GgufBuilder& builder) {
  const auto config = config_of(builder);
  EXPECT_TRUE(config) << config.error().message();
  return config.value_or(ModelConfig());
}

// Only the pairs that every model needs; `skip` leaves one of them out, for a test to add it with another value.
GgufBuilder pairs_without(std::string_view skip) {
  GgufBuilder file;
  file.string("general.architecture", "qwen2");
  const std::pair<std::string_view, std::uint32_t> numbers[] = {
      {"qwen2.block_count", 2},          {"qwen2.context_length", 64},      {"qwen2.embedding_length", 8},
      {"qwen2.feed_forward_length", 12}, {"qwen2.attention.head_count", 2}, {"qwen2.attention.head_count_kv", 1}};
  for (const auto& [key, value] : numbers) {
    if (key != skip) file.u32(key, value);
  }
  if (skip != "qwen2.rope.freq_base") file.f32("qwen2.rope.freq_base", 10000.0F);
  if (skip != "qwen2.attention.layer_norm_rms_epsilon") file.f32("qwen2.attention.layer_norm_rms_epsilon", 1e-6F);
  if (skip != "qwen2.vocab_size") file.u32("qwen2.vocab_size", 16);
  return file;
}

TEST(GgufConfig, ReadsTheArchitecturesOwnKeys) {
  const ModelConfig config = good(tiny_gguf());
  EXPECT_EQ(config.architecture, Architecture::kQwen2);
  EXPECT_EQ(config.vocab_size, 16);
  EXPECT_EQ(config.hidden_size, 8);
  EXPECT_EQ(config.intermediate_size, 12);
  EXPECT_EQ(config.num_hidden_layers, 2);
  EXPECT_EQ(config.num_attention_heads, 2);
  EXPECT_EQ(config.num_key_value_heads, 1);
  EXPECT_EQ(config.head_dim, 4);
  EXPECT_EQ(config.max_position_embeddings, 64);
  EXPECT_FLOAT_EQ(static_cast<float>(config.rms_norm_eps), 1e-6F);
  EXPECT_EQ(config.layer_windows, std::vector<std::int64_t>(2, 0));
  EXPECT_EQ(config.eos_token_ids, std::vector<std::int64_t>{15});
  EXPECT_EQ(config.bos_token_id, 14);
  EXPECT_TRUE(config.attention_bias);
}

TEST(GgufConfig, OtherArchitectures) {
  EXPECT_FALSE(good(tiny_gguf({.architecture = "qwen3"})).attention_bias);
  const ModelConfig moe = good(tiny_gguf({.architecture = "qwen2moe"}));
  ASSERT_TRUE(moe.moe);
  EXPECT_EQ(moe.moe->num_experts, 3);
  EXPECT_EQ(moe.moe->num_experts_per_tok, 2);
  EXPECT_EQ(moe.moe->moe_intermediate_size, 6);
  EXPECT_EQ(moe.moe->shared_expert_intermediate_size, 10);
  EXPECT_TRUE(moe.is_moe_layer(0));
}

TEST(GgufConfig, SeveralEndTokens) {
  EXPECT_EQ(good(tiny_gguf().u32("tokenizer.ggml.eot_token_id", 13)).eos_token_ids,
            (std::vector<std::int64_t>{15, 13}));
  expect_error(config_of(tiny_gguf().u32("tokenizer.ggml.eot_token_id", 16)), ErrorCode::kCorrupt,
               {"m.gguf", "eot_token_id", "16"});
}

TEST(GgufConfig, RopeScaling) {
  GgufBuilder yarn = tiny_gguf();
  yarn.string("qwen2.rope.scaling.type", "yarn").f32("qwen2.rope.scaling.factor", 4.0F);
  yarn.u32("qwen2.rope.scaling.original_context_length", 16);
  EXPECT_EQ(good(yarn).rope_scaling.kind, RopeScalingKind::kYarn);
  EXPECT_EQ(good(yarn).rope_scaling.factor, 4.0);
  EXPECT_EQ(good(yarn).rope_scaling.original_max_position_embeddings, 16);
  EXPECT_EQ(good(yarn).rope_scaling.attention_factor, std::nullopt);
  yarn.f32("qwen2.rope.scaling.attn_factor", 0.5F);
  ASSERT_TRUE(good(yarn).rope_scaling.attention_factor);
  EXPECT_DOUBLE_EQ(*good(yarn).rope_scaling.attention_factor, 0.5 * (0.1 * std::log(4.0) + 1.0))
      << "GGUF's factor multiplies YaRN's own";

  EXPECT_EQ(good(tiny_gguf().f32("qwen2.rope.scaling.factor", 2.0F)).rope_scaling.kind, RopeScalingKind::kLinear);
  EXPECT_EQ(good(tiny_gguf().f32("qwen2.rope.scale_linear", 2.0F)).rope_scaling.factor, 2.0);
  EXPECT_EQ(good(tiny_gguf().string("qwen2.rope.scaling.type", "none")).rope_scaling.kind, RopeScalingKind::kNone);
  expect_error(config_of(tiny_gguf().string("qwen2.rope.scaling.type", "longrope")), ErrorCode::kUnsupported,
               {"longrope", "yarn"});
  expect_error(config_of(tiny_gguf().string("qwen2.rope.scaling.type", "yarn")), ErrorCode::kCorrupt,
               {"qwen2.rope.scaling.factor", "missing"});
  expect_error(config_of(tiny_gguf().u32("qwen2.rope.dimension_count", 2)), ErrorCode::kUnsupported,
               {"rope.dimension_count", "2", "4"});
}

TEST(GgufConfig, WindowsAreNotGuessed) {
  EXPECT_TRUE(config_of(tiny_gguf().u32("qwen2.attention.sliding_window", 64))) << "no shorter than the context";
  expect_error(config_of(tiny_gguf().u32("qwen2.attention.sliding_window", 16)), ErrorCode::kUnsupported,
               {"sliding_window", "16"});
}

TEST(GgufConfig, RefusesWhatIsMissingOrOutOfRange) {
  EXPECT_TRUE(config_of(pairs_without("")));
  for (const auto* key :
       {"qwen2.block_count", "qwen2.context_length", "qwen2.embedding_length", "qwen2.feed_forward_length",
        "qwen2.attention.head_count", "qwen2.attention.layer_norm_rms_epsilon", "qwen2.vocab_size"}) {
    expect_error(config_of(pairs_without(key)), ErrorCode::kNotFound, {"m.gguf", key, "missing"});
  }
  const auto with_u32 = [](std::string_view key, std::uint32_t value) {
    return config_of(pairs_without(key).u32(key, value));
  };
  expect_error(with_u32("qwen2.block_count", 0), ErrorCode::kCorrupt, {"qwen2.block_count", "0"});
  expect_error(with_u32("qwen2.block_count", 5000), ErrorCode::kCorrupt, {"qwen2.block_count", "5000"});
  expect_error(with_u32("qwen2.attention.head_count", 0), ErrorCode::kCorrupt, {"head_count"});
  expect_error(with_u32("qwen2.attention.head_count_kv", 3), ErrorCode::kCorrupt, {"multiple"});
  expect_error(with_u32("qwen2.embedding_length", 0xffffffffU), ErrorCode::kCorrupt, {"embedding_length"});
  expect_error(config_of(pairs_without("qwen2.block_count").string("qwen2.block_count", "2")), ErrorCode::kCorrupt,
               {"qwen2.block_count", "integer"});
  expect_error(config_of(GgufBuilder()), ErrorCode::kNotFound, {"general.architecture"});
  expect_error(config_of(GgufBuilder().string("general.architecture", "llama")), ErrorCode::kUnsupported,
               {"llama", "qwen2moe"});
}

TEST(GgufConfig, NumbersThatAreNone) {
  constexpr std::string_view kEpsilon = "qwen2.attention.layer_norm_rms_epsilon";
  constexpr std::string_view kTheta = "qwen2.rope.freq_base";
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), -1.0F, 0.0F}) {
    expect_error(config_of(pairs_without(kEpsilon).f32(kEpsilon, bad)), ErrorCode::kCorrupt, {"rms_norm_eps"});
    expect_error(config_of(pairs_without(kTheta).f32(kTheta, bad)), ErrorCode::kCorrupt, {"rope_theta"});
    expect_error(
        config_of(pairs_without("").string("qwen2.rope.scaling.type", "yarn").f32("qwen2.rope.scaling.factor", bad)),
        ErrorCode::kCorrupt, {"factor"});
  }
}

TEST(GgufConfig, SamplingDefaults) {
  GgufBuilder builder = tiny_gguf();
  builder.f32("general.sampling.temp", 0.5F).i32("general.sampling.top_k", 20).f32("general.sampling.top_p", 0.75F);
  const ExactBytes bytes(builder.build());
  const auto file = GgufFile::parse(bytes.span(), "m");
  ASSERT_TRUE(file);
  const auto defaults = generation_defaults_from_gguf(*file);
  ASSERT_TRUE(defaults) << defaults.error().message();
  EXPECT_EQ(defaults->temperature, 0.5);
  EXPECT_EQ(defaults->top_k, 20);
  EXPECT_EQ(defaults->top_p, 0.75);
  EXPECT_EQ(defaults->min_p, std::nullopt);
  const ExactBytes wrong(tiny_gguf().f32("general.sampling.temp", std::nanf("")).build());
  expect_error(generation_defaults_from_gguf(GgufFile::parse(wrong.span(), "m.gguf").value()), ErrorCode::kCorrupt,
               {"m.gguf", "temperature"});
}

}  // namespace
}  // namespace retort
