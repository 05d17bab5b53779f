// Whole models: the goldens as folders and as GGUF, and what open() and check_tensors() refuse.
#include "io/checkpoint.h"

#include <cstring>
#include <fstream>
#include <gtest/gtest.h>

#include "testing/expect_error.h"
#include "testing/gguf_builder.h"
#include "testing/scoped_env.h"
#include "testing/shared_data.h"
#include "testing/temp_dir.h"

namespace retort {
namespace {

namespace fs = std::filesystem;
using ::retort::testing::expect_error;
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

// ---- GGUF names ----

TEST(CheckpointGguf, StackedExpertsBecomeOneViewEach) {
  const TempDir dir;
  const auto checkpoint =
      Checkpoint::open(dir.write("m.gguf", tiny_gguf({.architecture = "qwen2moe"}).build()).string());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message();
  const GgufTensor* stacked = nullptr;
  for (const GgufTensor& tensor : checkpoint->gguf()->tensors()) {
    if (tensor.name == "blk.1.ffn_down_exps.weight") stacked = &tensor;
  }
  ASSERT_NE(stacked, nullptr);
  for (int expert = 0; expert < 3; ++expert) {
    const TensorView* view =
        checkpoint->find("model.layers.1.mlp.experts." + std::to_string(expert) + ".down_proj.weight");
    ASSERT_NE(view, nullptr);
    EXPECT_EQ(view->shape, (Shape{8, 6}));
    EXPECT_EQ(view->data, stacked->data + expert * 8 * 6 * 4);
  }
  EXPECT_EQ(checkpoint->find("model.layers.0.mlp.shared_expert_gate.weight")->shape, (Shape{1, 8}));
}

TEST(CheckpointGguf, StackedExpertsMustFitTheConfiguration) {
  const TempDir dir;
  const auto open = [&](const std::vector<std::uint64_t>& dims) {
    GgufBuilder builder;
    builder.string("general.architecture", "qwen2moe");
    for (const auto* key : {"block_count", "attention.head_count", "expert_count", "expert_used_count"}) {
      builder.u32("qwen2moe." + std::string(key), 1);
    }
    for (const auto* key : {"context_length", "embedding_length", "feed_forward_length", "vocab_size"}) {
      builder.u32("qwen2moe." + std::string(key), 8);
    }
    builder.f32("qwen2moe.attention.layer_norm_rms_epsilon", 1e-6F);
    builder.f32_tensor("blk.0.ffn_up_exps.weight", dims);
    return Checkpoint::open(dir.write("m.gguf", builder.build()).string());
  };
  EXPECT_TRUE(open({1, 8, 8}));
  expect_error(open({2, 8, 8}), ErrorCode::kCorrupt, {"ffn_up_exps", "[2, 8, 8]", "1 experts"});
  expect_error(open({8, 8}), ErrorCode::kCorrupt, {"ffn_up_exps", "[8, 8]"});
}

TEST(CheckpointGguf, UnknownAndLookAlikeNamesAreRefused) {
  const TempDir dir;
  for (const auto* name : {"blk.0.attn_sinks.weight", "blk.00.attn_norm.weight", "blk.-1.attn_norm.weight",
                           "blk.0.attn_norm.scale", "blk.0", "v.patch_embd.weight"}) {
    const auto checkpoint = Checkpoint::open(dir.write("m.gguf", tiny_gguf().f32_tensor(name, {8}).build()).string());
    ASSERT_TRUE(checkpoint) << checkpoint.error().message();
    expect_error(checkpoint->check_tensors(), ErrorCode::kUnsupported, {name, "not part of"});
  }
  const auto with_table =
      Checkpoint::open(dir.write("m.gguf", tiny_gguf().f32_tensor("rope_freqs.weight", {2}).build()).string());
  ASSERT_TRUE(with_table);
  EXPECT_TRUE(with_table->check_tensors());
}

TEST(CheckpointGguf, HeaderOnlySaysThatDataIsMissing) {
  const TempDir dir;
  const auto checkpoint = Checkpoint::open(dir.write("m.gguf", tiny_gguf().build_header()).string());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message();
  EXPECT_EQ(checkpoint->config().num_hidden_layers, 2);
  expect_error(checkpoint->check_tensors(), ErrorCode::kCorrupt, {"tensor data is missing"});
}

// ---- what a person may call a model ----

TEST(Checkpoint, WhatIsNoModelIsToldSo) {
  const TempDir dir;
  expect_error(Checkpoint::open(""), ErrorCode::kInvalidArgument, {"no model given"});
  expect_error(Checkpoint::open("/nonexistent/model.gguf"), ErrorCode::kNotFound, {"/nonexistent/model.gguf"});
  expect_error(Checkpoint::open(dir.write("m.safetensors", "x").string()), ErrorCode::kInvalidArgument, {"the folder"});
  expect_error(Checkpoint::open(dir.write("notes.txt", "some text").string()), ErrorCode::kCorrupt, {"GGUF"});
}

TEST(Checkpoint, AHubIdIsFoundInTheCacheOrExplained) {
  const TempDir cache;
  const std::string folder = cache.path().string();
  const testing::ScopedEnv env({{"HF_HUB_CACHE", folder.c_str()}});
  expect_error(Checkpoint::open("org/name"), ErrorCode::kNotFound, {"org/name", "retort pull org/name"});
  const std::string commit(40, 'a');
  cache.write("models--org--name/refs/main", commit);
  cache.write("models--org--name/snapshots/" + commit + "/m.gguf", tiny_gguf().build());
  const auto checkpoint = Checkpoint::open("org/name");
  ASSERT_TRUE(checkpoint) << checkpoint.error().message();
  EXPECT_EQ(checkpoint->name(), "org/name");
}

}  // namespace
}  // namespace retort
