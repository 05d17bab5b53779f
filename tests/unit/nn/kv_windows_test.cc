// Windows that give blocks up: what they decide, that attention follows them, and that neither depends on how
// a sequence is cut into steps.
#include "nn/kv_windows.h"

#include <cmath>
#include <cstring>
#include <functional>
#include <gtest/gtest.h>
#include <limits>
#include <memory>
#include <numeric>
#include <vector>

#include "kernels/dispatch.h"
#include "nn/attention.h"
#include "nn/model.h"
#include "testing/random_gguf.h"
#include "testing/temp_dir.h"

namespace retort {
namespace {

constexpr std::int64_t kBlock = kKvBlockPositions;

ModelConfig windows_config(std::vector<std::int64_t> windows) {
  ModelConfig config;
  config.num_hidden_layers = static_cast<std::int64_t>(windows.size());
  config.num_attention_heads = 4;
  config.num_key_value_heads = 2;
  config.head_dim = 32;
  config.layer_windows = std::move(windows);
  return config;
}

KvWindowOptions dynamic_windows(double mass) { return {.mode = KvWindowMode::kDynamic, .mass = mass}; }

/// log-mass of a block as a token in block `at` sees it.
using LogMass = std::function<double(std::int64_t head, std::int64_t block, std::int64_t at)>;

/// Blocks held before the token behind `blocks` whole blocks whose last tokens saw `shape`.
std::int64_t held_after(KvWindows& windows, std::int64_t blocks, const LogMass& shape) {
  for (std::int64_t at = 0; at < blocks; ++at) {
    std::vector<float> recent;
    std::vector<float> sink;
    for (std::int64_t head = 0; head < 4; ++head) {
      for (std::int64_t b = 0; b <= at; ++b) recent.push_back(static_cast<float>(shape(head, b, at)));
      sink.push_back(static_cast<float>(shape(head, 0, at)));
    }
    windows.observe(0, {.first_block = 0, .blocks = at + 1, .recent = recent, .sink = sink});
  }
  return windows.held_blocks(0, blocks * kBlock);
}

double local(std::int64_t /*head*/, std::int64_t block, std::int64_t at) {
  return -5.0 * static_cast<double>(at - block);
}

TEST(KvWindows, ALocalLayerShrinksToTheLeastOnceTheSequenceIsLong) {
  KvWindows windows(windows_config({0}), dynamic_windows(0.99));
  EXPECT_EQ(held_after(windows, 15, local), 15) << "below 1,024 positions everything stays";
  windows.reset();
  EXPECT_EQ(held_after(windows, 16, local), 1 + 4);
  windows.reset();
  EXPECT_EQ(held_after(windows, 100, local), 1 + 4);
  EXPECT_EQ(windows.sight(0, 100 * kBlock).sink, kSinkPositions);
  EXPECT_EQ(windows.sight(0, 100 * kBlock + 63).first, 96 * kBlock);
}

TEST(KvWindows, OneHeadThatLooksAtTheBeginningKeepsItsLayer) {
  const auto looks_back = [](std::int64_t head, std::int64_t block, std::int64_t at) {
    return head == 3 && block == 1 ? 0.0 : local(head, block, at);
  };
  KvWindows windows(windows_config({0}), dynamic_windows(0.99));
  EXPECT_EQ(held_after(windows, 60, looks_back), 60);
  // On average over the two heads of its group, a quarter of the mass is there.
  KvWindowOptions mean = dynamic_windows(0.7);
  mean.heads = KvWindowOptions::Heads::kMeanOfGroup;
  KvWindows averaged(windows_config({0}), mean);
  EXPECT_EQ(held_after(averaged, 60, looks_back), 1 + 4);
  KvWindows strict(windows_config({0}), dynamic_windows(0.7));
  EXPECT_EQ(held_after(strict, 60, looks_back), 60);
}

TEST(KvWindows, TheFirstBlockIsAlwaysSeenAndCountsAsKept) {
  const auto all_on_the_first = [](std::int64_t /*head*/, std::int64_t block, std::int64_t /*at*/) {
    return block == 0 ? 10.0 : 0.0;
  };
  KvWindows windows(windows_config({0}), dynamic_windows(0.99));
  EXPECT_EQ(held_after(windows, 60, all_on_the_first), 1 + 4);
}

TEST(KvWindows, WhatWasGivenUpCountsAgainstGivingUpMore) {
  const auto uniform = [](std::int64_t /*head*/, std::int64_t /*block*/, std::int64_t /*at*/) { return 0.0; };
  KvWindows windows(windows_config({0}), dynamic_windows(0.9));
  // A tenth of 200 blocks could go at once; given up one by one it is little more.
  const std::int64_t held = held_after(windows, 200, uniform);
  EXPECT_LT(held, 190);
  EXPECT_GT(held, 100);
}

TEST(KvWindows, WhatIsNotANumberKeepsEverything) {
  const auto broken = [](std::int64_t head, std::int64_t block, std::int64_t at) {
    return at == 3 && block == 2 ? std::numeric_limits<double>::quiet_NaN() : local(head, block, at);
  };
  KvWindows windows(windows_config({0}), dynamic_windows(0.99));
  EXPECT_EQ(held_after(windows, 30, broken), 30);
}

TEST(KvWindows, SinksAndSizeAreWholeBlocksBeforeTheTokensOwn) {
  const KvWindows windows(windows_config({0, 100}), {.mode = KvWindowMode::kSinks, .size = 65});
  EXPECT_EQ(windows.sight(0, 3 * kBlock + 5).first, 0) << "no gap yet: the first block is the sink";
  EXPECT_EQ(windows.sight(0, 3 * kBlock + 5).sink, 0);
  for (const std::int64_t offset : {0, 63}) {
    EXPECT_EQ(windows.sight(0, 10 * kBlock + offset).first, 8 * kBlock);
    EXPECT_EQ(windows.sight(0, 10 * kBlock + offset).sink, kBlock);
  }
  EXPECT_EQ(windows.held_blocks(0, 10 * kBlock + 1), 1 + 3);
  // The configuration's window stays what it was trained to be.
  EXPECT_EQ(windows.sight(1, 1000).first, 901);
  EXPECT_EQ(windows.sight(1, 1000).sink, 0);
}

TEST(KvWindows, FullOverridesTheConfigurationAndDynamicDoesNot) {
  const KvWindows full(windows_config({100}), {.mode = KvWindowMode::kFull});
  EXPECT_EQ(full.sight(0, 5000).first, 0);
  const KvWindows dynamic(windows_config({100, 0}), dynamic_windows(0.99));
  EXPECT_FALSE(dynamic.observes(0));
  EXPECT_TRUE(dynamic.observes(1));
  EXPECT_EQ(dynamic.sight(0, 5000).first, 4901);
}

TEST(KvWindows, OptionsWithoutSenseAreNamed) {
  for (const double mass : {0.0, 1.0, -1.0, std::nan("")}) {
    const Status status = check_kv_window_options(dynamic_windows(mass), 28);
    ASSERT_FALSE(status) << mass;
    EXPECT_NE(status.error().message().find("--kv-window-mass"), std::string::npos);
  }
  EXPECT_FALSE(check_kv_window_options({.mode = KvWindowMode::kSinks, .size = 0}, 28));
  EXPECT_FALSE(check_kv_window_options({.mode = KvWindowMode::kSinks, .size = std::int64_t{1} << 40}, 28));
  EXPECT_TRUE(check_kv_window_options({.mode = KvWindowMode::kSinks, .size = 1}, 28));
  const KvWindowOptions some{.mode = KvWindowMode::kSinks, .layers = {0, 28}, .size = 1};
  EXPECT_TRUE(check_kv_window_options(some, 29));
  const Status status = check_kv_window_options(some, 28);
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message().find("--kv-window-layers names layer 28"), std::string::npos);
}

TEST(KvWindows, LayersThatAreNotNamedSeeEverything) {
  const KvWindows sinks(windows_config({0, 0, 100}), {.mode = KvWindowMode::kSinks, .layers = {1}, .size = 64});
  EXPECT_EQ(sinks.sight(0, 5000).first, 0);
  EXPECT_EQ(sinks.held_blocks(0, 10 * kBlock), 10);
  EXPECT_EQ(sinks.sight(1, 10 * kBlock).first, 9 * kBlock);
  EXPECT_EQ(sinks.sight(2, 5000).first, 4901) << "the configuration's window stays";
  KvWindowOptions some = dynamic_windows(0.99);
  some.layers = {1};
  const KvWindows dynamic(windows_config({0, 0}), some);
  EXPECT_FALSE(dynamic.observes(0));
  EXPECT_EQ(dynamic.sight(0, 5000).first, 0);
  EXPECT_TRUE(dynamic.observes(1));
}

// Keys by which every query's score is known, through attend() itself: one layer looks at what is near, the other at
// block 2.
TEST(KvWindows, AttentionTellsThemWhereItLooks) {
  const ModelConfig config = windows_config({0, 0});
  const KernelTable& kernels = **kernel_table(available_isas().front());
  constexpr std::int64_t kPositions = 30 * kBlock;
  for (const KvCacheType type : {KvCacheType::kF32, KvCacheType::kBf16, KvCacheType::kInt8}) {
    const auto kv = make_sequence_kv(config, type, kPositions, dynamic_windows(0.99));
    ASSERT_TRUE(kv->reserve(kPositions));
    std::vector<TokenPlace> places;
    for (std::int64_t p = 0; p < kPositions; ++p) {
      for (std::int64_t layer = 0; layer < 2; ++layer) {
        std::vector<float> k(config.head_dim);
        k[0] = layer == 0 ? static_cast<float>(p) : p / kBlock == 2 ? 100.0f : 0.0f;
        const KvBlockLayout& layout = kv->layouts().layer(layer);
        const std::vector<float> none(config.head_dim);
        for (std::int64_t g = 0; g < 2; ++g) {
          std::byte* head = kv->block(layer, p / kBlock) + g * layout.head_bytes;
          if (p % kBlock == 0) store_kv_offset(layout, head, none.data());
          store_kv(layout, head, p % kBlock, k.data(), k.data());
        }
      }
      places.push_back({kv.get(), p});
    }
    std::vector<float> q(kPositions * config.num_attention_heads * config.head_dim, 0.0f);
    for (std::size_t i = 0; i < q.size(); i += config.head_dim) q[i] = 1;
    std::vector<float> out(q.size());
    for (std::int64_t layer = 0; layer < 2; ++layer) {
      attend(kernels, config, layer, places, StepTokens::of_output(kPositions), q.data(), out.data());
    }
    EXPECT_EQ(kv->windows()->held_blocks(0, kPositions), 1 + 4) << to_string(type);
    EXPECT_EQ(kv->windows()->held_blocks(1, kPositions), 1 + 28) << to_string(type) << ": all but block 1";
  }
}

class WindowedModel : public ::testing::TestWithParam<Isa> {
 protected:
  [[nodiscard]] static bool is_plain() { return GetParam() == Isa::kRefAmx; }
  /// Beyond the first split of attention's sums, but where it is slow.
  [[nodiscard]] static std::int64_t length() { return (is_plain() ? 7 : 20) * kBlock + 20; }
  [[nodiscard]] static std::int64_t prompt() { return (is_plain() ? 5 : 18) * kBlock + 10; }

  void SetUp() override {
    const auto table = kernel_table(GetParam());
    if (!table) GTEST_SKIP() << table.error().message();
    const auto file = directory_.path() / "random.gguf";
    ASSERT_TRUE(testing::write_random_gguf(file));
    auto checkpoint = Checkpoint::open(file.string());
    ASSERT_TRUE(checkpoint) << checkpoint.error().message();
    auto model = Model::load(std::make_shared<const Checkpoint>(std::move(*checkpoint)), **table, Quality::kFast);
    ASSERT_TRUE(model) << model.error().message();
    model_ = std::move(*model);
    for (std::int64_t i = 0; i < length(); ++i) {
      ids_.push_back(static_cast<std::int32_t>((i * i + 3 * i) % model_->config().vocab_size));
    }
  }

  /// Destroys what no later token sees, as another sequence's tokens in the same memory would. Counts the blocks.
  std::int64_t destroy_given_up(const SequenceKv& kv) const {
    std::int64_t count = 0;
    for (std::int64_t layer = 0; layer < model_->config().num_hidden_layers; ++layer) {
      const KvSight seen = kv.windows()->sight(layer, kv.length());
      for (std::int64_t b = seen.sink / kBlock; b < seen.first / kBlock; ++b, ++count) {
        std::memset(kv.block(layer, b), 0xff, static_cast<std::size_t>(kv.layouts().block_bytes(layer)));
      }
    }
    return count;
  }

  [[nodiscard]] std::vector<float> run(std::int64_t size, const KvWindowOptions& options,
                                       std::int64_t* given_up = nullptr) const {
    const auto kv = make_sequence_kv(model_->config(), KvCacheType::kBf16, length(), options);
    const std::int64_t width = model_->config().hidden_size;
    std::vector<float> all;
    for (std::int64_t first = 0; first < length(); first += size) {
      const std::int64_t count = std::min(size, length() - first);
      std::vector<float> hidden(count * width);
      const SequenceChunk chunk{std::span(ids_).subspan(first, count), kv.get(), 0, prompt()};
      EXPECT_TRUE(model_->forward({&chunk, 1}, hidden));
      all.insert(all.end(), hidden.begin(), hidden.end());
      const std::int64_t destroyed = destroy_given_up(*kv);
      if (given_up != nullptr) *given_up = destroyed;
    }
    return all;
  }

  testing::TempDir directory_;
  std::unique_ptr<Model> model_;
  std::vector<std::int32_t> ids_;
};
constexpr const char* kIsaNames[] = {"best", "amx", "ref_amx"};
INSTANTIATE_TEST_SUITE_P(Isa, WindowedModel, ::testing::Values(available_isas().front(), Isa::kAmx, Isa::kRefAmx),
                         [](const auto& param) { return std::string(kIsaNames[param.index]); });

TEST_P(WindowedModel, BitsDoNotDependOnChunksNorOnWhatWasGivenUp) {
  const KvWindowOptions dynamic{
      .mode = KvWindowMode::kDynamic, .mass = 0.2, .full_positions = 2 * kBlock, .min_blocks = 1};
  const KvWindowOptions sinks{.mode = KvWindowMode::kSinks, .size = 100};
  for (const KvWindowOptions& options : {dynamic, sinks}) {
    if (is_plain() && options.mode == KvWindowMode::kSinks) continue;  // slow, and dynamic shows more
    std::int64_t given_up = 0;
    const std::vector<float> expected = run(64, options, &given_up);
    EXPECT_GT(given_up, 2) << "nothing was given up: the test shows less than it says";
    EXPECT_NE(expected, run(64, {.mode = KvWindowMode::kFull}));
    for (const std::int64_t size : is_plain() ? std::vector<std::int64_t>{7} : std::vector<std::int64_t>{1, 7, 512}) {
      std::int64_t same = 0;
      EXPECT_EQ(run(size, options, &same), expected) << "chunks of " << size;
      EXPECT_EQ(same, given_up);
    }
  }
}

}  // namespace
}  // namespace retort
