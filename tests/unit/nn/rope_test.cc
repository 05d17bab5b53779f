#include "nn/rope.h"

#include <cmath>
#include <gtest/gtest.h>

namespace retort {
namespace {

ModelConfig config_of(RopeScaling scaling) {
  ModelConfig config;
  config.head_dim = 16;
  config.rope_theta = 10000;
  config.max_position_embeddings = 128;
  config.rope_scaling = scaling;
  return config;
}

TEST(Rope, PlainFrequenciesAreAGeometricSeries) {
  const auto rope = rope_frequencies(config_of({}), 10);
  ASSERT_EQ(rope.inverse.size(), 8u);
  EXPECT_DOUBLE_EQ(rope.inverse[0], 1.0);
  EXPECT_NEAR(rope.inverse[1], std::pow(10000.0, -2.0 / 16), 1e-15);
  EXPECT_NEAR(rope.inverse[7], std::pow(10000.0, -14.0 / 16), 1e-15);
  EXPECT_EQ(rope.attention_factor, 1.0);
}

TEST(Rope, LinearDividesEveryFrequency) {
  const auto rope = rope_frequencies(config_of({.kind = RopeScalingKind::kLinear, .factor = 4}), 10);
  EXPECT_DOUBLE_EQ(rope.inverse[0], 0.25);
}

TEST(Rope, DynamicChangesNothingWithinTheTrainedContext) {
  const ModelConfig config = config_of({.kind = RopeScalingKind::kDynamic, .factor = 2});
  const auto plain = rope_frequencies(config_of({}), 10);
  EXPECT_EQ(rope_frequencies(config, 128).inverse, plain.inverse);
  // Twice the context: theta * (2 * 2 - 1)^(16/14).
  const double theta = 10000.0 * std::pow(3.0, 16.0 / 14);
  EXPECT_NEAR(rope_frequencies(config, 256).inverse[1], std::pow(theta, -2.0 / 16), 1e-12);
}

TEST(Rope, YarnKeepsFastDimensionsAndInterpolatesSlowOnes) {
  const ModelConfig config =
      config_of({.kind = RopeScalingKind::kYarn, .factor = 4, .original_max_position_embeddings = 32});
  const auto plain = rope_frequencies(config_of({}), 10);
  const auto rope = rope_frequencies(config, 10);
  EXPECT_DOUBLE_EQ(rope.inverse[0], plain.inverse[0]);
  EXPECT_DOUBLE_EQ(rope.inverse[7], plain.inverse[7] / 4);
  EXPECT_NEAR(rope.attention_factor, 0.1 * std::log(4.0) + 1, 1e-15);
  // DeepSeek's form: the ratio of two mscales.
  ModelConfig with_mscale = config;
  with_mscale.rope_scaling.mscale = 1.0;
  with_mscale.rope_scaling.mscale_all_dim = 1.0;
  EXPECT_DOUBLE_EQ(rope_frequencies(with_mscale, 10).attention_factor, 1.0);
  ModelConfig given = config;
  given.rope_scaling.attention_factor = 1.5;
  EXPECT_DOUBLE_EQ(rope_frequencies(given, 10).attention_factor, 1.5);
}

TEST(Rope, CosAndSinCarryTheAttentionFactor) {
  RopeFrequencies frequencies{{0.5, 0.25}, 2.0};
  float cos[2];
  float sin[2];
  rope_cos_sin(frequencies, 3, cos, sin);
  EXPECT_FLOAT_EQ(cos[0], 2 * std::cos(1.5f));
  EXPECT_FLOAT_EQ(sin[1], 2 * std::sin(0.75f));
}

}  // namespace
}  // namespace retort
