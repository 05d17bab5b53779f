// Whole models: the goldens as folders and as GGUF, and what open() and check_tensors() refuse.
#include "io/checkpoint.h"

#include <cstring>
#include <fstream>
#include <gtest/gtest.h>

#include "testing/gguf_builder.h"
#include "testing/shared_data.h"
#include "testing/temp_dir.h"

namespace retort {
namespace {

namespace fs = std::filesystem;
using ::retort::testing::GgufBuilder;
using ::retort::testing::TempDir;
using ::retort::testing::tiny_gguf;

void expect_same_tensors(const Checkpoint& a, const Checkpoint& b) {
  ASSERT_EQ(a.tensors().size(), b.tensors().size());
  for (const auto& [name, view] : a.tensors()) {
    const TensorView* other = b.find(name);
    ASSERT_NE(other, nullptr) << name;
    EXPECT_EQ(view.dtype, other->dtype) << name;
    EXPECT_EQ(view.shape, other->shape) << name;
    ASSERT_EQ(view.bytes, other->bytes) << name;
    EXPECT_EQ(std::memcmp(view.data, other->data, view.bytes), 0) << name;
  }
}

TEST(CheckpointGolden, EveryTinyFolderOpensAndHasItsTensors) {
  RETORT_SHARED_OR_SKIP(tiny, "data/golden/tiny");
  int opened = 0;
  for (const auto& entry : fs::directory_iterator(tiny)) {
    if (!fs::exists(entry.path() / "config.json")) continue;
    const auto checkpoint = Checkpoint::open(entry.path().string());
    ASSERT_TRUE(checkpoint) << checkpoint.error().message();
    const auto status = checkpoint->check_tensors();
    EXPECT_TRUE(status) << status.error().message();
    EXPECT_EQ(checkpoint->gguf(), nullptr);
    EXPECT_EQ(checkpoint->folder(), entry.path());
    ++opened;
  }
  EXPECT_GE(opened, 13);
}

TEST(CheckpointGolden, ShardsHoldTheSameTensorsAsOneFile) {
  RETORT_SHARED_OR_SKIP(tiny, "data/golden/tiny");
  const auto sharded = Checkpoint::open((tiny / "sharded").string());
  ASSERT_TRUE(sharded) << sharded.error().message();
  EXPECT_TRUE(sharded->check_tensors());
}

TEST(CheckpointGolden, GgufHasTheTensorsOfTheFolderBitForBit) {
  RETORT_SHARED_OR_SKIP(golden, "data/golden");
  const auto plain = Checkpoint::open((golden / "tiny/plain").string());
  ASSERT_TRUE(plain) << plain.error().message();
  for (const auto* name :
       {"tiny_plain_f32.gguf", "tiny_plain_split-00001-of-00003.gguf", "tiny_plain_split-00003-of-00003.gguf"}) {
    const auto gguf = Checkpoint::open((golden / "gguf" / name).string());
    ASSERT_TRUE(gguf) << gguf.error().message();
    EXPECT_TRUE(gguf->check_tensors());
    expect_same_tensors(*plain, *gguf);
    EXPECT_EQ(gguf->config().num_hidden_layers, plain->config().num_hidden_layers);
    EXPECT_EQ(gguf->config().head_dim, plain->config().head_dim);
    EXPECT_FLOAT_EQ(static_cast<float>(gguf->config().rms_norm_eps), static_cast<float>(plain->config().rms_norm_eps));
    EXPECT_EQ(gguf->config().tie_word_embeddings, false);
    EXPECT_EQ(gguf->config().eos_token_ids, std::vector<std::int64_t>{258});
    ASSERT_NE(gguf->gguf(), nullptr);
    EXPECT_EQ(gguf->gguf()->get_array("tokenizer.ggml.tokens").value()->size, 512U);
  }
}

TEST(CheckpointGolden, HeaderOnlyGgufOpensButItsTensorDataIsMissing) {
  RETORT_SHARED_OR_SKIP(header, "data/golden/r1_distill/qwen_7b_header.gguf.xz");
  const TempDir dir;
  const fs::path path = dir.write("r1.gguf", testing::read_text(header));
  const auto checkpoint = Checkpoint::open(path.string());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message();
  EXPECT_EQ(checkpoint->config().num_hidden_layers, 28);
  EXPECT_EQ(checkpoint->config().vocab_size, 152064);
  EXPECT_EQ(checkpoint->config().head_dim, 128);
  EXPECT_EQ(checkpoint->tensors().size(), 339U);
  const auto status = checkpoint->check_tensors();
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message().find("tensor data is missing"), std::string::npos) << status.error().message();
}

TEST(CheckpointReal, OpensAndHasItsTensors) {
  RETORT_REAL_OR_SKIP(model, "0.5b");
  const auto checkpoint = Checkpoint::open(model.string());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message();
  const auto status = checkpoint->check_tensors();
  EXPECT_TRUE(status) << status.error().message();
  EXPECT_EQ(checkpoint->config().hidden_size, 896);
}

TEST(Checkpoint, TinyGgufOfEveryArchitecture) {
  const TempDir dir;
  for (const auto* architecture : {"qwen2", "qwen2moe", "qwen3"}) {
    for (const bool tied : {false, true}) {
      const auto path = dir.write("m.gguf", tiny_gguf({architecture, tied}).build());
      const auto checkpoint = Checkpoint::open(path.string());
      ASSERT_TRUE(checkpoint) << checkpoint.error().message();
      const auto status = checkpoint->check_tensors();
      EXPECT_TRUE(status) << status.error().message();
      EXPECT_EQ(checkpoint->config().tie_word_embeddings, tied);
    }
  }
}

}  // namespace
}  // namespace retort
