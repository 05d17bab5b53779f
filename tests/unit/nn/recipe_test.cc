// The two recipes of a step's tokens (docs/engine.md): a token's bits follow its own, whatever else is in the step.
#include <gtest/gtest.h>
#include <memory>
#include <numeric>
#include <vector>

#include "kernels/dispatch.h"
#include "nn/model.h"
#include "testing/random_gguf.h"
#include "testing/temp_dir.h"

namespace retort {
namespace {

constexpr std::int64_t kLength = 48;
constexpr std::int64_t kPrompt = 35;

class Recipe : public ::testing::TestWithParam<Isa> {
 protected:
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
    for (std::int64_t i = 0; i < kLength; ++i) {
      ids_.push_back(static_cast<std::int32_t>((7 * i + 3) % model_->config().vocab_size));
    }
  }
  [[nodiscard]] std::unique_ptr<SequenceKv> new_kv() const {
    return make_sequence_kv(model_->config(), KvCacheType::kBf16, kLength);
  }
  /// Hidden states of all tokens, run in chunks of `size`.
  [[nodiscard]] std::vector<float> run(std::int64_t size, std::int64_t prompt_length) const {
    const auto kv = new_kv();
    std::vector<float> all;
    for (std::int64_t first = 0; first < kLength; first += size) {
      const std::int64_t count = std::min(size, kLength - first);
      std::vector<float> hidden(count * width());
      const SequenceChunk chunk{std::span(ids_).subspan(first, count), kv.get(), 0, prompt_length};
      EXPECT_TRUE(model_->forward({&chunk, 1}, hidden));
      all.insert(all.end(), hidden.begin(), hidden.end());
    }
    return all;
  }
  [[nodiscard]] std::int64_t width() const { return model_->config().hidden_size; }

  testing::TempDir directory_;
  std::unique_ptr<Model> model_;
  std::vector<std::int32_t> ids_;
};
INSTANTIATE_TEST_SUITE_P(Isa, Recipe, ::testing::Values(Isa::kAmx, Isa::kRefAmx), [](const auto& param) {
  return param.param == Isa::kAmx ? std::string("amx") : std::string("ref_amx");
});

TEST_P(Recipe, FollowsTheTokenHoweverItsSequenceIsCut) {
  ASSERT_TRUE(model_->has_prompt_recipe());
  const std::vector<float> whole = run(kLength, kPrompt);
  for (const std::int64_t size : {1, 7, 32}) EXPECT_EQ(run(size, kPrompt), whole) << size;
  // The prompt has the bits of a prompt, and what follows has not.
  const std::vector<float> prompt = run(kLength, kLength);
  const auto end = static_cast<std::ptrdiff_t>(kPrompt * width());
  EXPECT_TRUE(std::equal(whole.begin(), whole.begin() + end, prompt.begin()));
  EXPECT_FALSE(std::equal(whole.begin() + end, whole.end(), prompt.begin() + end));
  EXPECT_NE(run(kLength, 0), prompt);
}

TEST_P(Recipe, OfCompanyInAStepChangesNothing) {
  const std::vector<float> expected = run(kLength, kPrompt);
  const std::vector<float> other = run(kLength, 20);
  const auto kv = new_kv();
  const auto beside = new_kv();
  std::vector<float> hidden(32 * width());
  // Both steps have tokens of both recipes, those of the prompt's first in the caller's order.
  std::vector<float> got;
  std::vector<float> other_got;
  for (const std::int64_t first : {std::int64_t{0}, std::int64_t{16}, std::int64_t{32}}) {
    const SequenceChunk batch[] = {{std::span(ids_).subspan(first, 16), kv.get(), 0, kPrompt},
                                   {std::span(ids_).subspan(first, 16), beside.get(), 0, 20}};
    ASSERT_TRUE(model_->forward(batch, hidden));
    const auto middle = hidden.begin() + static_cast<std::ptrdiff_t>(16 * width());
    got.insert(got.end(), hidden.begin(), middle);
    other_got.insert(other_got.end(), middle, hidden.end());
  }
  EXPECT_EQ(got, expected);
  EXPECT_EQ(other_got, other);
}

TEST_P(Recipe, ATraceHasTheCallersOrder) {
  const auto trace_of = [&](std::int64_t size) {
    std::vector<std::vector<float>> layers(model_->config().num_hidden_layers);
    const ForwardTrace trace{.on_layer =
                                 [&](std::int64_t layer, std::span<const float> values) {
                                   layers[layer].insert(layers[layer].end(), values.begin(), values.end());
                                 },
                             .on_router = {}};
    const auto kv = new_kv();
    for (std::int64_t first = 0; first < kLength; first += size) {
      std::vector<float> hidden(size * width());
      const SequenceChunk chunk{std::span(ids_).subspan(first, size), kv.get(), 0, kPrompt};
      EXPECT_TRUE(model_->forward({&chunk, 1}, hidden, &trace));
    }
    return layers;
  };
  EXPECT_EQ(trace_of(kLength), trace_of(12));
}

}  // namespace
}  // namespace retort
