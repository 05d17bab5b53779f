// A token's logits have the same bits however its prompt is chunked, whatever shares its step, with any number of
// threads. On every instruction set that is here.
#include <gtest/gtest.h>

#include "core/parallel.h"
#include "parity/golden_model.h"
#include "testing/shared_data.h"

namespace retort::testing {
namespace {

class Invariance : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const auto path = shared_file(std::string("data/golden/tiny/") + GetParam());
    if (!path) GTEST_SKIP() << "no shared data: tiny/" << GetParam() << " (set RETORT_SHARED)";
    path_ = *path;
    const auto expected = open_safetensors(path_ / "expected.safetensors");
    ASSERT_TRUE(expected) << expected.error().message();
    ids_ = int32s(*expected, "input_ids");
    length_ = expected->tensors.at("input_ids").columns();
  }
  std::filesystem::path path_;
  std::vector<std::int32_t> ids_;
  std::size_t length_ = 0;
};

TEST_P(Invariance, ChunksAndThreads) {
  const std::span<const std::int32_t> sequence = std::span(ids_).first(length_);
  const int threads_before = thread_count();
  for (const Isa isa : available_isas()) {
    const auto model = load_golden(path_, isa);
    ASSERT_NE(model, nullptr);
    const auto whole = run_chunked(*model, sequence, length_);
    for (const std::size_t chunk : {1, 2, 3, 7, 64, 95}) {
      EXPECT_EQ(run_chunked(*model, sequence, chunk), whole) << to_string(isa) << ", chunks of " << chunk;
    }
    for (const int threads : {1, 3}) {
      ASSERT_TRUE(set_thread_count(threads));
      EXPECT_EQ(run_chunked(*model, sequence, 7), whole) << to_string(isa) << ", threads " << threads;
    }
    ASSERT_TRUE(set_thread_count(threads_before));
  }
}

TEST_P(Invariance, SharedSteps) {
  const std::span<const std::int32_t> first = std::span(ids_).first(length_);
  const std::span<const std::int32_t> second = std::span(ids_).subspan(length_, length_);
  for (const Isa isa : available_isas()) {
    const auto model = load_golden(path_, isa);
    ASSERT_NE(model, nullptr);
    const auto alone = run_chunked(*model, first, length_);
    const std::size_t hidden_size = model->config().hidden_size;
    const std::size_t vocab = model->config().vocab_size;
    const auto kv_a = make_sequence_kv(model->config(), KvCacheType::kF32, length_);
    const auto kv_b = make_sequence_kv(model->config(), KvCacheType::kF32, length_);
    // The first sequence token by token, beside chunks of the second: a decode that shares its steps with a prefill.
    std::vector<float> logits;
    for (std::size_t t = 0; t < length_; ++t) {
      const std::size_t taken = static_cast<std::size_t>(kv_b->length());
      const std::size_t count = std::min<std::size_t>(t % 5, length_ - taken);
      const auto total = static_cast<std::int64_t>(length_);
      const SequenceChunk batch[] = {{second.subspan(taken, count), kv_b.get(), total},
                                     {first.subspan(t, 1), kv_a.get(), total}};
      std::vector<float> hidden((count + 1) * hidden_size);
      ASSERT_TRUE(model->forward(batch, hidden));
      std::vector<float> row(vocab);
      model->logits(std::span(hidden).subspan(count * hidden_size), row);
      logits.insert(logits.end(), row.begin(), row.end());
    }
    EXPECT_EQ(logits, alone) << to_string(isa);
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, Invariance,
                         ::testing::Values("plain", "bf16", "sliding", "yarn", "odd_head_dim", "qwen3", "moe", "tied"));

}  // namespace
}  // namespace retort::testing
