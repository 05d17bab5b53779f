// A packed file gives the same model, and only for the model that it was made from.
#include "nn/packed_weights.h"

#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

#include "core/json.h"
#include "io/packed_file.h"
#include "kernels/dispatch.h"
#include "nn/model.h"
#include "testing/expect_error.h"
#include "testing/random_gguf.h"
#include "testing/temp_dir.h"

namespace retort {
namespace {

using testing::expect_error;

const KernelTable& packed_test_kernels() { return **default_kernel_table(); }

std::shared_ptr<const Checkpoint> open_for_packing(const std::filesystem::path& path) {
  auto checkpoint = Checkpoint::open(path.string());
  EXPECT_TRUE(checkpoint) << checkpoint.error().message();
  return std::make_shared<const Checkpoint>(std::move(*checkpoint));
}

Expected<std::vector<float>> first_logits(std::shared_ptr<const Checkpoint> checkpoint, const LoadOptions& options) {
  RETORT_TRY(const auto model, Model::load(std::move(checkpoint), packed_test_kernels(), options));
  const std::vector<std::int32_t> ids = {3, 1, 4, 1, 5, 9, 2, 6};
  const auto kv = make_sequence_kv(model->config(), KvCacheType::kF32, 8);
  std::vector<float> hidden(ids.size() * static_cast<std::size_t>(model->config().hidden_size));
  std::vector<float> logits(ids.size() * static_cast<std::size_t>(model->config().vocab_size));
  const SequenceChunk chunk{ids, kv.get(), 0};
  RETORT_TRY_STATUS(model->forward({&chunk, 1}, hidden));
  model->logits(hidden, logits);
  return logits;
}

class PackedWeights : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(testing::write_random_gguf(model_, {}));
    checkpoint_ = open_for_packing(model_);
    packed_ = checkpoint_->packed_path();
    const CancelToken never;
    const auto result = write_packed_file(packed_, *checkpoint_, packed_test_kernels(), {}, never);
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_EQ(result->tensors, 15u);
    EXPECT_EQ(result->file_bytes, std::filesystem::file_size(packed_));
  }

  void flip(const std::filesystem::path& path, std::uint64_t offset) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    char c = 0;
    file.seekg(static_cast<std::streamoff>(offset)).get(c);
    file.seekp(static_cast<std::streamoff>(offset)).put(static_cast<char>(c ^ 16));
  }
  [[nodiscard]] Expected<std::vector<float>> logits(LoadFormat format) const {
    return first_logits(open_for_packing(model_), {.format = format});
  }
  // packed refuses, auto packs anew.
  void expect_refused(ErrorCode code, std::initializer_list<std::string_view> parts) {
    expect_error(logits(LoadFormat::kPacked), code, parts);
    EXPECT_EQ(logits(LoadFormat::kAuto).value(), logits(LoadFormat::kGguf).value());
  }

  testing::TempDir folder_;
  std::filesystem::path model_ = folder_.path() / "m.gguf";
  std::filesystem::path packed_;
  std::shared_ptr<const Checkpoint> checkpoint_;
};

TEST_F(PackedWeights, GiveTheSameBits) {
  EXPECT_EQ(packed_, folder_.path() / "m.gguf.packed");
  const auto expected = logits(LoadFormat::kGguf);
  ASSERT_TRUE(expected);
  EXPECT_EQ(logits(LoadFormat::kPacked).value(), *expected);
  EXPECT_EQ(logits(LoadFormat::kAuto).value(), *expected);
  EXPECT_TRUE(check_packed_file(packed_, *checkpoint_, packed_test_kernels()));
}

TEST_F(PackedWeights, ADamagedPayloadIsRefused) {
  const auto file = PackedFile::open(packed_);
  ASSERT_TRUE(file);
  flip(packed_, file->header().payload_offset + file->header().payload_bytes / 2);
  expect_refused(ErrorCode::kCorrupt, {packed_.string(), "damaged", "should be", "retort pack"});
}

TEST_F(PackedWeights, ADamagedHeaderOrALostEndIsRefused) {
  flip(packed_, 100);
  expect_refused(ErrorCode::kCorrupt, {packed_.string(), "header's hash", "retort pack"});
  flip(packed_, 100);
  std::filesystem::resize_file(packed_, std::filesystem::file_size(packed_) - 1);
  expect_refused(ErrorCode::kCorrupt, {packed_.string(), "cut off", "retort pack"});
}

TEST_F(PackedWeights, AnotherModelIsRefused) {
  ASSERT_TRUE(testing::write_random_gguf(model_, {.seed = 2}));  // of the same shapes and length
  expect_refused(ErrorCode::kCorrupt, {packed_.string(), "another file", "was", "retort pack"});
  ASSERT_TRUE(testing::write_random_gguf(model_, {.layers = 3}));
  expect_refused(ErrorCode::kCorrupt, {packed_.string(), "22 tensors were expected but it has 15"});
}

TEST_F(PackedWeights, AChangeBetweenSampledPagesIsSeenByTheWholeCheckOnly) {
  // Page 1 of a file that is longer than 128 pages is none of the 64.
  const std::uint64_t header = checkpoint_->files()[0].header_bytes;
  const std::uint64_t pages = std::filesystem::file_size(model_) / kPackedPage;
  ASSERT_GT(pages, 130u);
  std::uint64_t page = header / kPackedPage + 1;
  const auto sampled = [&](std::uint64_t p) {
    for (std::uint64_t i = 0; i < 64; ++i) {
      if (pages * i / 63 == p) return true;
    }
    return false;
  };
  while (sampled(page)) ++page;
  flip(model_, page * kPackedPage + 1);
  const auto changed = open_for_packing(model_);
  EXPECT_TRUE(first_logits(changed, {.format = LoadFormat::kPacked}));
  expect_error(first_logits(changed, {.format = LoadFormat::kPacked, .source_check = SourceCheck::kWhole}),
               ErrorCode::kCorrupt, {"its sha256 is", "but was"});
  expect_error(check_packed_file(packed_, *changed, packed_test_kernels()), ErrorCode::kCorrupt, {"its sha256"});
}

TEST_F(PackedWeights, AChangeInASampledPageIsSeenAtEachStart) {
  const std::uint64_t pages = (std::filesystem::file_size(model_) - 1) / kPackedPage;
  for (const std::uint64_t sample : {20u, 40u, 63u}) {
    const std::uint64_t offset = pages * sample / 63 * kPackedPage;
    flip(model_, offset);
    expect_error(logits(LoadFormat::kPacked), ErrorCode::kCorrupt, {"the sha256 of pages in it"});
    flip(model_, offset);
  }
  EXPECT_TRUE(logits(LoadFormat::kPacked));
}

TEST_F(PackedWeights, AnotherLayoutOrTensorIsRefused) {
  const auto rewrite = [&](const auto& change) {
    PackedHeader header = PackedFile::open(packed_)->header();
    change(header);
    const std::string head = packed_head(header);
    ASSERT_EQ(head.size(), header.payload_offset);
    std::fstream(packed_, std::ios::in | std::ios::out | std::ios::binary) << head;
  };
  rewrite([](PackedHeader& h) { h.layout = 2; });
  expect_refused(ErrorCode::kUnsupported, {"layout 1", "layout 2", "retort pack"});
  rewrite([](PackedHeader& h) { h.layout = 1, h.tensors[1].rows = 65; });
  expect_refused(ErrorCode::kCorrupt, {"k_proj", "[64, 256]", "[65, 256]"});
}

TEST_F(PackedWeights, AreMissedOrNotReadWhereTheFormatSaysSo) {
  std::filesystem::remove(packed_);
  expect_refused(ErrorCode::kNotFound, {packed_.string()});
  expect_error(logits(LoadFormat::kSafetensors), ErrorCode::kInvalidArgument, {"safetensors"});
  for (const LoadFormat format : {LoadFormat::kPacked, LoadFormat::kDummy}) {
    expect_error(first_logits(checkpoint_, {.quality = Quality::kExact, .format = format}), ErrorCode::kInvalidArgument,
                 {"exact"});
  }
}

TEST_F(PackedWeights, CancellingLeavesTheOldFile) {
  CancelToken cancelled;
  cancelled.cancel();
  const auto before = std::filesystem::last_write_time(packed_);
  expect_error(write_packed_file(packed_, *checkpoint_, packed_test_kernels(), {}, cancelled), ErrorCode::kCancelled,
               {});
  EXPECT_EQ(std::filesystem::last_write_time(packed_), before);
  const std::filesystem::directory_iterator files(folder_.path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 2);
}

// Tied and untied; a vocabulary that does not fill the last panel; columns that P4 does not hold.
class DummyWeights : public ::testing::TestWithParam<std::pair<bool, int>> {};

TEST_P(DummyWeights, AreFiniteAndOfOneSeed) {
  const auto [tied, hidden] = GetParam();
  const testing::TempDir folder;
  const Json config = {{"architectures", {"Qwen2ForCausalLM"}},
                       {"vocab_size", 101},
                       {"hidden_size", hidden},
                       {"intermediate_size", 96},
                       {"num_hidden_layers", 2},
                       {"num_attention_heads", 4},
                       {"num_key_value_heads", 2},
                       {"head_dim", 16},
                       {"max_position_embeddings", 64},
                       {"rms_norm_eps", 1e-6},
                       {"rope_theta", 10000.0},
                       {"tie_word_embeddings", tied}};
  folder.write("config.json", config.dump());
  auto opened = Checkpoint::open(folder.path().string(), CheckpointWeights::kIgnore);
  ASSERT_TRUE(opened) << opened.error().message();
  const auto checkpoint = std::make_shared<const Checkpoint>(std::move(*opened));
  const auto one = first_logits(checkpoint, {.format = LoadFormat::kDummy});
  ASSERT_TRUE(one) << one.error().message();
  float largest = 0;
  for (const float x : *one) {
    ASSERT_TRUE(std::isfinite(x));
    largest = std::max(largest, std::fabs(x));
  }
  EXPECT_GT(largest, 0.1f);
  EXPECT_LT(largest, 100.0f);
  EXPECT_EQ(first_logits(checkpoint, {.format = LoadFormat::kDummy}).value(), *one);
  EXPECT_NE(first_logits(checkpoint, {.format = LoadFormat::kDummy, .dummy_seed = 1}).value(), *one);
}

INSTANTIATE_TEST_SUITE_P(Shapes, DummyWeights,
                         ::testing::Values(std::pair(false, 64), std::pair(true, 64), std::pair(false, 72),
                                           std::pair(true, 72)));

}  // namespace
}  // namespace retort
