// Plans for quantized files, and that the tensors of every kind of source arrive.
#include "nn/quantize.h"

#include <cstring>
#include <fstream>
#include <gtest/gtest.h>

#include "io/gguf_config_write.h"
#include "io/safetensors.h"
#include "io/tensor_names.h"
#include "kernels/dispatch.h"
#include "testing/expect_error.h"
#include "testing/gguf_builder.h"
#include "testing/quantized_checkpoint.h"
#include "testing/temp_dir.h"

namespace retort {
namespace {

namespace fs = std::filesystem;
using testing::expect_error;
using testing::TempDir;

Expected<Checkpoint> quantize_to(const fs::path& out, const std::string& model, QuantizeRecipe recipe) {
  RETORT_TRY(const Checkpoint checkpoint, Checkpoint::open(model));
  RETORT_TRY(const QuantizePlan plan, plan_quantization(checkpoint, recipe, {}));
  GgufPairs pairs;
  RETORT_TRY_STATUS(add_config_pairs(checkpoint.config(), checkpoint.generation_defaults(), pairs));
  const CancelToken never;
  RETORT_TRY(const QuantizeResult result, write_quantized(out, checkpoint, **default_kernel_table(), plan, pairs, {},
                                                          ExistingFile::kReplace, {}, never));
  EXPECT_EQ(result.file_bytes, fs::file_size(out));
  return Checkpoint::open(out.string());
}

std::vector<std::byte> data_of(const TensorView& view) { return {view.data, view.data + view.bytes}; }

void expect_same_tensors(const Checkpoint& a, const Checkpoint& b) {
  ASSERT_EQ(a.tensors().size(), b.tensors().size());
  for (const auto& [name, view] : a.tensors()) {
    const TensorView* other = b.find(name);
    ASSERT_NE(other, nullptr) << name;
    EXPECT_EQ(view.shape, other->shape) << name;
    EXPECT_TRUE(data_of(view) == data_of(*other)) << name;
  }
}

TEST(QuantizeRecipe, ChoosesAsItsNameSays) {
  const RecipeContext untied{24, false};
  const RecipeContext tied{24, true};
  const auto type = [&](QuantizeRecipe recipe, const char* name, const Shape& shape, const RecipeContext& context) {
    return choose_tensor_type(recipe, {}, name, shape, context).value();
  };
  const Shape wide{4, 512};
  EXPECT_EQ(type(QuantizeRecipe::kQ4KM, "token_embd.weight", wide, untied), DType::kQ4_K);
  EXPECT_EQ(type(QuantizeRecipe::kQ4KM, "token_embd.weight", wide, tied), DType::kQ6_K);
  EXPECT_EQ(type(QuantizeRecipe::kQ5KM, "output.weight", wide, untied), DType::kQ6_K);
  int more = 0;
  for (int i = 0; i < 24; ++i) {
    const std::string layer = "blk." + std::to_string(i);
    const DType down = type(QuantizeRecipe::kQ5KM, (layer + ".ffn_down.weight").c_str(), wide, tied);
    EXPECT_EQ(down, type(QuantizeRecipe::kQ5KM, (layer + ".attn_v.weight").c_str(), wide, tied));
    EXPECT_EQ(type(QuantizeRecipe::kQ5KM, (layer + ".ffn_up.weight").c_str(), wide, tied), DType::kQ5_K);
    more += down == DType::kQ6_K ? 1 : 0;
  }
  EXPECT_EQ(more, 3 + 3 + 6);
  EXPECT_EQ(type(QuantizeRecipe::kQ4, "blk.0.attn_q.weight", {4, 96}, tied), DType::kQ5_0);
  EXPECT_EQ(type(QuantizeRecipe::kQ5KM, "blk.0.attn_q.weight", {4, 96}, tied), DType::kQ8_0);
  EXPECT_EQ(type(QuantizeRecipe::kQ6K, "blk.0.attn_q.weight", {4, 96}, tied), DType::kQ8_0);
  EXPECT_EQ(type(QuantizeRecipe::kQ4, "blk.0.attn_q.weight", {4, 40}, tied), DType::kF16);
  EXPECT_EQ(type(QuantizeRecipe::kQ4, "blk.0.attn_q.bias", {512}, tied), DType::kF32);
  EXPECT_EQ(type(QuantizeRecipe::kQ4, "blk.0.ffn_gate_inp.weight", wide, tied), DType::kF32);
  const TensorTypeRule rule{"blk.*", DType::kQ4_K};
  expect_error(choose_tensor_type(QuantizeRecipe::kQ8, {&rule, 1}, "blk.0.attn_q.weight", {4, 96}, tied),
               ErrorCode::kInvalidArgument, {"blk.0.attn_q.weight", "96 columns", "256"});
}

TEST(QuantizeSource, GgufOfEveryArchitectureArrivesWithAllTensors) {
  for (const char* architecture : {"qwen2", "qwen2moe", "qwen3"}) {
    const TempDir folder;
    const std::string source = folder.write("m.gguf", testing::tiny_gguf({.architecture = architecture}).build());
    const auto result = quantize_to(folder.path() / "out.gguf", source, QuantizeRecipe::kF32);
    ASSERT_TRUE(result) << result.error().message();
    expect_same_tensors(*Checkpoint::open(source), *result);
    EXPECT_TRUE(result->check_tensors()) << architecture;
  }
}

TEST(QuantizeSource, ExpertsOfAFolderAreStacked) {
  const TempDir folder;
  const std::string gguf = folder.write("m.gguf", testing::tiny_gguf({.architecture = "qwen2moe"}).build());
  const auto checkpoint = Checkpoint::open(gguf);
  ASSERT_TRUE(checkpoint);
  std::vector<NamedTensor> tensors;
  for (const auto& [name, view] : checkpoint->tensors()) tensors.push_back({name, view});
  folder.write("hf/config.json", R"({"architectures": ["Qwen2MoeForCausalLM"], "vocab_size": 16, "hidden_size": 8,
      "intermediate_size": 12, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
      "max_position_embeddings": 64, "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "num_experts": 3,
      "num_experts_per_tok": 2, "moe_intermediate_size": 6, "shared_expert_intermediate_size": 10,
      "norm_topk_prob": false, "tie_word_embeddings": false})");
  ASSERT_TRUE(write_safetensors(folder.path() / "hf" / "model.safetensors", tensors));
  const auto result = quantize_to(folder.path() / "out.gguf", folder.path() / "hf", QuantizeRecipe::kF32);
  ASSERT_TRUE(result) << result.error().message();
  expect_same_tensors(*checkpoint, *result);
  EXPECT_EQ(result->config().moe->num_experts, 3);
  EXPECT_EQ(result->config().moe->shared_expert_intermediate_size, 10);
}

TEST(QuantizeSource, QuantizedSafetensorsGoByTheirValues) {
  for (const testing::QuantizedForm& form : testing::quantized_forms()) {
    const TempDir folder;
    ASSERT_TRUE(testing::write_quantized_model(folder.path() / "q", folder.path() / "plain", form));
    const auto a = quantize_to(folder.path() / "a.gguf", folder.path() / "q", QuantizeRecipe::kF32);
    const auto b = quantize_to(folder.path() / "b.gguf", folder.path() / "plain", QuantizeRecipe::kF32);
    ASSERT_TRUE(a) << form.name << ": " << a.error().message();
    ASSERT_TRUE(b) << form.name << ": " << b.error().message();
    expect_same_tensors(*a, *b);
  }
}

TEST(QuantizeSource, WhatIsInItsTypeAlreadyIsCopied) {
  const TempDir folder;
  const std::string source = folder.write("m.gguf", testing::tiny_gguf().build());
  const auto once = quantize_to(folder.path() / "a.gguf", source, QuantizeRecipe::kF16);
  const auto twice = quantize_to(folder.path() / "b.gguf", folder.path() / "a.gguf", QuantizeRecipe::kF16);
  ASSERT_TRUE(once && twice);
  expect_same_tensors(*once, *twice);
  const auto plan = plan_quantization(*once, QuantizeRecipe::kF16, {});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->requantized, 0u);
}

TEST(GgufConfigWrite, ComesBackAsItWas) {
  ModelConfig config;
  config.architecture = Architecture::kQwen2;
  config.vocab_size = 16;
  config.hidden_size = 8;
  config.intermediate_size = 12;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 2;
  config.num_key_value_heads = 1;
  config.head_dim = 6;
  config.max_position_embeddings = 64;
  config.rms_norm_eps = 0.5;
  config.rope_theta = 1e6;
  config.rope_scaling = {
      .kind = RopeScalingKind::kYarn, .factor = 4, .original_max_position_embeddings = 32, .attention_factor = 1.25};
  GgufPairs pairs;
  ASSERT_TRUE(add_config_pairs(config, {.temperature = 0.5, .top_k = 7}, pairs));
  const TempDir folder;
  auto writer = GgufWriter::open(folder.path() / "m.gguf", pairs, {}, 0, ExistingFile::kRefuse);
  ASSERT_TRUE(writer && writer->finish());
  const auto file = GgufFile::open(folder.path() / "m.gguf");
  ASSERT_TRUE(file) << file.error().message();
  const auto read = model_config_from_gguf(*file);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->hidden_size, 8);
  EXPECT_EQ(read->head_dim, 6);
  EXPECT_EQ(read->vocab_size, 16);
  EXPECT_EQ(read->rope_theta, 1e6);
  EXPECT_EQ(read->rope_scaling.kind, RopeScalingKind::kYarn);
  EXPECT_EQ(read->rope_scaling.original_max_position_embeddings, 32);
  EXPECT_NEAR(*read->rope_scaling.attention_factor, 1.25, 1e-6);
  EXPECT_EQ(generation_defaults_from_gguf(*file)->temperature, 0.5);
  EXPECT_EQ(generation_defaults_from_gguf(*file)->top_k, 7);

  config.layer_windows = {0, 16};
  expect_error(add_config_pairs(config, {}, pairs), ErrorCode::kUnsupported, {"sliding window"});
  config.layer_windows.clear();
  config.rope_scaling.kind = RopeScalingKind::kDynamic;
  expect_error(add_config_pairs(config, {}, pairs), ErrorCode::kUnsupported, {"dynamic"});
}

TEST(TensorNames, GgufNamesAreTheInverse) {
  for (const char* name : {"token_embd.weight", "output_norm.weight", "output.weight", "blk.3.attn_q.weight",
                           "blk.12.attn_k.bias", "blk.0.ffn_down.weight", "blk.0.ffn_gate_inp_shexp.weight"}) {
    EXPECT_EQ(gguf_name(huggingface_name(name)->name)->name, name);
    EXPECT_FALSE(gguf_name(huggingface_name(name)->name)->stacked_experts);
  }
  const auto stacked = gguf_name("model.layers.3.mlp.experts.17.up_proj.weight");
  ASSERT_TRUE(stacked);
  EXPECT_EQ(stacked->name, "blk.3.ffn_up_exps.weight");
  EXPECT_TRUE(stacked->stacked_experts);
  EXPECT_FALSE(gguf_name("model.layers.03.mlp.up_proj.weight"));
  EXPECT_FALSE(gguf_name("model.layers.3.mlp.experts.x.up_proj.weight"));
  EXPECT_FALSE(gguf_name("model.layers.3.mlp.other.weight"));
}

}  // namespace
}  // namespace retort
