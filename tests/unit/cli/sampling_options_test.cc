#include "cli/sampling_options.h"

#include <gtest/gtest.h>

namespace retort::cli {
namespace {

TEST(SamplingOptions, WithoutAnythingAsR1Recommends) {
  const SamplingParams params = resolve_sampling({}, {}).value();
  EXPECT_EQ(params.temperature, 0.6);
  EXPECT_EQ(params.top_p, 0.95);
  EXPECT_EQ(params.top_k, 0);
  EXPECT_EQ(params.repetition_penalty, 1.0);
  EXPECT_EQ(resolve_max_tokens({}, {}), -1);
}

TEST(SamplingOptions, TheCheckpointDecides) {
  GenerationDefaults defaults;
  defaults.do_sample = true;
  defaults.temperature = 0.7;
  defaults.top_k = 20;
  defaults.repetition_penalty = 1.05;
  defaults.max_new_tokens = 100;
  const SamplingParams params = resolve_sampling({}, defaults).value();
  EXPECT_EQ(params.temperature, 0.7);
  EXPECT_EQ(params.top_p, 1.0);  // what it leaves out is neutral
  EXPECT_EQ(params.top_k, 20);
  EXPECT_EQ(params.repetition_penalty, 1.05);
  EXPECT_EQ(resolve_max_tokens({}, defaults), 100);
  // End-of-sequence ids say nothing about sampling.
  GenerationDefaults only_eos;
  only_eos.eos_token_ids = {2};
  EXPECT_EQ(resolve_sampling({}, only_eos)->temperature, 0.6);
}

TEST(SamplingOptions, DoSampleFalseIsGreedy) {
  GenerationDefaults defaults;
  defaults.do_sample = false;
  defaults.temperature = 0.7;
  EXPECT_EQ(resolve_sampling({}, defaults)->temperature, 0.0);
  SamplingOptions options;
  options.temperature = 0.9;
  EXPECT_EQ(resolve_sampling(options, defaults)->temperature, 0.9);
}

TEST(SamplingOptions, FlagsWin) {
  GenerationDefaults defaults;
  defaults.temperature = 0.7;
  defaults.max_new_tokens = 100;
  SamplingOptions options;
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{{"temperature", "0.5"},
                                                                                    {"top-p", "0.9"},
                                                                                    {"top_k", "5"},
                                                                                    {"min_p", "0.1"},
                                                                                    {"repetition_penalty", "1.2"},
                                                                                    {"presence-penalty", "-1"},
                                                                                    {"frequency_penalty", "0.5"},
                                                                                    {"seed", "18446744073709551615"},
                                                                                    {"max_tokens", "7"}}) {
    EXPECT_TRUE(set_sampling_option(options, name, value)) << name;
  }
  const SamplingParams params = resolve_sampling(options, defaults).value();
  EXPECT_EQ(params.temperature, 0.5);
  EXPECT_EQ(params.top_p, 0.9);
  EXPECT_EQ(params.top_k, 5);
  EXPECT_EQ(params.min_p, 0.1);
  EXPECT_EQ(params.repetition_penalty, 1.2);
  EXPECT_EQ(params.presence_penalty, -1);
  EXPECT_EQ(params.frequency_penalty, 0.5);
  EXPECT_EQ(params.seed, UINT64_MAX);
  EXPECT_EQ(resolve_max_tokens(options, defaults), 7);
}

TEST(SamplingOptions, RefusesNonsense) {
  SamplingOptions options;
  EXPECT_FALSE(set_sampling_option(options, "warmth", "1"));
  EXPECT_FALSE(set_sampling_option(options, "temperature", "warm"));
  EXPECT_FALSE(set_sampling_option(options, "temperature", "1x"));
  EXPECT_FALSE(set_sampling_option(options, "seed", "-1"));
  EXPECT_FALSE(set_sampling_option(options, "top_k", ""));
  EXPECT_FALSE(options.temperature);
  options.top_p = 2;
  EXPECT_EQ(resolve_sampling(options, {}).error().code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace retort::cli
