// Integer schemes as --quality fast has them: packed from their codes, with the values that those mean and no fp32
// copy.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

#include "io/tensor_names.h"
#include "kernels/dispatch.h"
#include "nn/model.h"
#include "nn/packed_weights.h"
#include "nn/weights.h"
#include "testing/expect_error.h"
#include "testing/quantized_checkpoint.h"
#include "testing/temp_dir.h"

namespace retort {
namespace {

using testing::QuantizedForm;

struct GroupedCase {
  const char* form;
  std::int64_t group_size;
  PackedFormat format;
};
const GroupedCase kGroupedCases[] = {
    {"awq", 128, PackedFormat::kP4G128},         {"awq", 64, PackedFormat::kP4G32},
    {"awq", 32, PackedFormat::kP4G32},           {"gptq", 128, PackedFormat::kP4G128},
    {"gptq_asym", 128, PackedFormat::kP4G128},   {"gptq_v2", 32, PackedFormat::kP4G32},
    {"gptq_int8", 128, PackedFormat::kP8G128},   {"gptq_int8", 32, PackedFormat::kP8G32},
    {"packed", 128, PackedFormat::kP4G128},      {"packed", 32, PackedFormat::kP4G32},
    {"packed_int8", 128, PackedFormat::kP8G128}, {"int8", 128, PackedFormat::kP8G128},
    {"int8", 32, PackedFormat::kP8G32},
};

std::shared_ptr<const Checkpoint> open_grouped(const std::filesystem::path& path) {
  auto checkpoint = Checkpoint::open(path.string());
  EXPECT_TRUE(checkpoint) << checkpoint.error().message();
  EXPECT_TRUE(checkpoint->check_tensors());
  return std::make_shared<const Checkpoint>(std::move(*checkpoint));
}

std::vector<float> grouped_logits(const std::shared_ptr<const Checkpoint>& checkpoint, const KernelTable& kernels,
                                  const LoadOptions& options) {
  const auto model = Model::load(checkpoint, kernels, options);
  EXPECT_TRUE(model) << model.error().message();
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 20; ++i) ids.push_back((i * 37 + 11) % 97);
  const auto kv = make_sequence_kv((*model)->config(), KvCacheType::kF32, 20);
  std::vector<float> hidden(ids.size() * static_cast<std::size_t>((*model)->config().hidden_size));
  std::vector<float> logits(ids.size() * static_cast<std::size_t>((*model)->config().vocab_size));
  // A prompt of 12, and 8 tokens as if they had been generated: both recipes.
  const SequenceChunk prompt{std::span(ids).first(12), kv.get(), 12};
  EXPECT_TRUE((*model)->forward({&prompt, 1}, std::span(hidden).first(hidden.size() / 20 * 12)));
  const SequenceChunk output{std::span(ids).subspan(12), kv.get(), 12};
  EXPECT_TRUE((*model)->forward({&output, 1}, std::span(hidden).subspan(hidden.size() / 20 * 12)));
  (*model)->logits(hidden, logits);
  return logits;
}

// What is between two sets of logits, against the spread of the expected ones.
double relative_error(const std::vector<float>& actual, const std::vector<float>& expected) {
  double error = 0;
  double size = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    error += std::pow(static_cast<double>(actual[i]) - static_cast<double>(expected[i]), 2);
    size += std::pow(static_cast<double>(expected[i]), 2);
  }
  return std::sqrt(error / size);
}

// Of activations in 8 bits, in two layers of random weights; zeros that are one off give 0.6 and more.
constexpr double kNear = 0.12;

class GroupedPacking : public ::testing::TestWithParam<GroupedCase> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(write_quantized_model(folder_.path() / "quantized", folder_.path() / "plain",
                                      testing::packable_form(GetParam().form, GetParam().group_size)));
    checkpoint_ = open_grouped(folder_.path() / "quantized");
  }
  testing::TempDir folder_;
  std::shared_ptr<const Checkpoint> checkpoint_;
};
INSTANTIATE_TEST_SUITE_P(Forms, GroupedPacking, ::testing::ValuesIn(kGroupedCases),
                         [](const auto& test) { return fmt::format("{}_{}", test.param.form, test.param.group_size); });

TEST_P(GroupedPacking, HoldsTheValuesInPanelsAlone) {
  auto weights = load_weights(*checkpoint_, **kernel_table(Isa::kRef), {});
  ASSERT_TRUE(weights) << weights.error().message();
  EXPECT_TRUE(weights->dequantized.empty());
  std::uint64_t bytes = 0;
  for (const auto& [name, linear] : large_linears(*weights, checkpoint_->config())) {
    if (linear == &weights->head) continue;
    ASSERT_TRUE(linear->packed && linear->grouped) << name;
    EXPECT_EQ(linear->packed->format, GetParam().format) << name;
    EXPECT_EQ(linear->w.data, nullptr);
    EXPECT_EQ(linear->w.bytes, 0u);
    const std::int64_t columns = linear->columns();
    const std::int64_t panel = panel_bytes(GetParam().format, columns);
    EXPECT_EQ(linear->bytes(), static_cast<std::uint64_t>(linear->panels() * panel));
    bytes += linear->bytes();
    std::vector<float> expected(columns);
    std::vector<float> actual(columns);
    for (std::int64_t r = 0; r < linear->rows(); ++r) {
      linear->grouped->dequantize_row(r, expected.data());
      unpack_row(GetParam().format, linear->packed->panels + r / kPanelRows * panel, r % kPanelRows, columns,
                 actual.data());
      ASSERT_EQ(std::memcmp(actual.data(), expected.data(), actual.size() * sizeof(float)), 0) << name << " " << r;
    }
  }
  EXPECT_GE(weights->packed.size(), bytes);
  EXPECT_LT(weights->packed.size(), bytes + 14 * 64);  // each begins at a cache line
}

TEST_P(GroupedPacking, ComputesNearTheExactLogits) {
  for (const Isa isa : {Isa::kRef, Isa::kAvx2, Isa::kAvx512, Isa::kAmx, Isa::kRefAmx}) {
    const auto table = kernel_table(isa);
    if (!table) continue;  // not on this processor
    const auto exact = grouped_logits(checkpoint_, **table, {.quality = Quality::kExact});
    const auto fast = grouped_logits(checkpoint_, **table, {.quality = Quality::kFast});
    EXPECT_LT(relative_error(fast, exact), kNear) << to_string(isa);
    EXPECT_NE(fast, exact) << "packed weights round activations";
  }
}

TEST_P(GroupedPacking, APackedFileGivesTheSameBits) {
  const CancelToken never;
  const auto& kernels = **default_kernel_table();
  const auto expected = grouped_logits(checkpoint_, kernels, {.format = LoadFormat::kSafetensors});
  const auto path = checkpoint_->packed_path();
  const auto result = write_packed_file(path, *checkpoint_, kernels, {}, never);
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->tensors, 14u);
  EXPECT_EQ(grouped_logits(checkpoint_, kernels, {.format = LoadFormat::kPacked}), expected);
  EXPECT_EQ(grouped_logits(checkpoint_, kernels, {}), expected);
}

TEST(GroupedPackingSizes, FourBitsTakeAboutWhatTheFileHas) {
  const testing::TempDir folder;
  const QuantizedForm form = testing::packable_form("awq", 128);
  ASSERT_TRUE(write_quantized_model(folder.path() / "quantized", folder.path() / "plain", form));
  const auto checkpoint = open_grouped(folder.path() / "quantized");
  const auto& kernels = **kernel_table(Isa::kRef);
  const auto fast = Model::load(checkpoint, kernels, LoadOptions{});
  const auto exact = Model::load(checkpoint, kernels, {.quality = Quality::kExact});
  ASSERT_TRUE(fast && exact);
  // Two layers of q, o 256x256, k, v 128x256, gate, up 384x256, down 256x384: 4.3125 bits each against 32.
  const std::uint64_t parameters = 2 * (3 * 256 * 256 + 3 * 384 * 256);
  EXPECT_EQ((*exact)->memory_bytes() - (*fast)->memory_bytes(), parameters * 4 - parameters * 69 / 16 / 8);
}

TEST(GroupedPackingSizes, WhatHasNoFormatIsExpanded) {
  struct Case {
    QuantizedForm form;
    std::size_t expanded;
  };
  const auto small = [](std::string_view name) {
    return *std::ranges::find(testing::quantized_forms(), name, &QuantizedForm::name);
  };
  const Case cases[] = {{testing::packable_form("gptq_order", 128), 14},   // columns of a group lie apart
                        {testing::packable_form("packed_asym", 128), 14},  // likewise
                        {small("awq"), 14},                                // groups of 16
                        {small("int8"), 2},                                // 48 columns in each layer's down
                        {testing::packable_form("fp8_row", 128), 14}};
  for (const Case& c : cases) {
    const testing::TempDir folder;
    ASSERT_TRUE(write_quantized_model(folder.path() / "quantized", folder.path() / "plain", c.form));
    const auto checkpoint = open_grouped(folder.path() / "quantized");
    const auto weights = load_weights(*checkpoint, **kernel_table(Isa::kRef), {});
    ASSERT_TRUE(weights) << weights.error().message();
    EXPECT_EQ(weights->dequantized.size(), c.expanded) << c.form.name;
    const auto exact = grouped_logits(checkpoint, **default_kernel_table(), {.quality = Quality::kExact});
    const auto fast = grouped_logits(checkpoint, **default_kernel_table(), {});
    EXPECT_LT(relative_error(fast, exact), kNear) << c.form.name;
    if (c.expanded == 14) {
      testing::expect_error(
          write_packed_file(checkpoint->packed_path(), *checkpoint, **default_kernel_table(), {}, CancelToken()),
          ErrorCode::kUnsupported, {"none of its matrices", "AWQ"});
    }
  }
}

// Routers and shared gates are not packed: where a scheme has them quantized they must be expanded.
TEST(GroupedPackingMoe, RoutersAreExpandedAndExpertsPacked) {
  const testing::TempDir folder;
  folder.write("config.json", R"({"architectures": ["Qwen2MoeForCausalLM"], "vocab_size": 97, "hidden_size": 32,
      "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1,
      "max_position_embeddings": 64, "eos_token_id": 2, "num_experts": 3, "num_experts_per_tok": 2,
      "moe_intermediate_size": 32, "shared_expert_intermediate_size": 64, "decoder_sparse_step": 1,
      "quantization_config": {"quant_method": "compressed-tensors", "format": "int-quantized", "ignore": ["lm_head"],
      "config_groups": {"g": {"targets": ["Linear"], "weights": {"num_bits": 8, "strategy": "channel"}}}}})");
  const auto config = Checkpoint::open(folder.path().string(), CheckpointWeights::kIgnore);
  ASSERT_TRUE(config) << config.error().message();
  std::mt19937 random(3);
  std::vector<testing::OwnedTensor> tensors;
  const auto add = [&](const std::string& name, const Shape& shape, TensorRole role) -> Status {
    const auto module = linear_of(name, role);
    if (module && *module != "lm_head") {
      const auto m = testing::random_matrix(random, shape[0], shape[1], 8, -1, testing::Zeros::kMiddle);
      for (auto& tensor : testing::int8_tensors(std::string(*module), m, DType::kF32)) tensors.push_back(tensor);
      return {};
    }
    std::vector<float> values(static_cast<std::size_t>(shape.elements()));
    std::normal_distribution<float> normal(role == TensorRole::kVector ? 1.0f : 0.0f, 0.3f);
    for (float& value : values) value = normal(random);
    tensors.push_back(testing::float_tensor(name, DType::kF32, shape, values));
    return {};
  };
  ASSERT_TRUE(for_each_tensor(config->config(), add));
  ASSERT_TRUE(testing::write_tensors(folder.path() / "model.safetensors", tensors));
  const auto checkpoint = open_grouped(folder.path());
  const auto weights = load_weights(*checkpoint, **kernel_table(Isa::kRef), {});
  ASSERT_TRUE(weights) << weights.error().message();
  const MoeWeights& moe = *weights->layers[0].moe;
  EXPECT_EQ(weights->dequantized.size(), 2u);
  for (const Linear* linear : {&moe.router, &moe.shared_gate}) {
    EXPECT_FALSE(linear->packed);
    EXPECT_NE(linear->w.data, nullptr);
  }
  EXPECT_EQ(moe.experts[2].down.packed->format, PackedFormat::kP8G32);
  const auto exact = grouped_logits(checkpoint, **default_kernel_table(), {.quality = Quality::kExact});
  const auto fast = grouped_logits(checkpoint, **default_kernel_table(), {});
  EXPECT_LT(relative_error(fast, exact), kNear);
}

}  // namespace
}  // namespace retort
