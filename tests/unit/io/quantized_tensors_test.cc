// Whole quantized folders: check_tensors, and what the memory plan counts.
#include "io/quantized_tensors.h"

#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>

#include "core/json.h"
#include "io/memory_plan.h"
#include "io/safetensors.h"
#include "testing/expect_error.h"
#include "testing/quantized_checkpoint.h"
#include "testing/temp_dir.h"

namespace retort {
namespace {

namespace fs = std::filesystem;
using ::retort::testing::expect_error;
using ::retort::testing::OwnedTensor;
using ::retort::testing::quantized_forms;
using ::retort::testing::QuantizedForm;
using ::retort::testing::TempDir;
using ::retort::testing::write_quantized_model;
using ::retort::testing::write_tensors;

const std::string kUp = "model.layers.1.mlp.up_proj";

// A tiny model in one form, whose tensors and configuration a test may change before it is checked.
class QuantizedFolder {
 public:
  explicit QuantizedFolder(std::string_view name) {
    const auto form = std::ranges::find(quantized_forms(), name, &QuantizedForm::name);
    EXPECT_TRUE(form != quantized_forms().end() && write_quantized_model(path(), dir_.path() / "plain", *form));
    const auto file = open_safetensors(path() / "model.safetensors");
    for (const auto& [tensor, view] : file->tensors) {
      tensors.push_back({tensor, view.dtype, view.shape, {view.data, view.data + view.bytes}});
    }
  }
  [[nodiscard]] fs::path path() const { return dir_.path() / "quantized"; }
  OwnedTensor& operator[](const std::string& name) { return *std::ranges::find(tensors, name, &OwnedTensor::name); }
  void drop(const std::string& name) {
    std::erase_if(tensors, [&](const OwnedTensor& tensor) { return tensor.name == name; });
  }
  void reshape(const std::string& name, const Shape& shape, DType dtype) {
    (*this)[name] = {name, dtype, shape, std::vector<std::byte>(*tensor_bytes(dtype, shape))};
  }
  [[nodiscard]] Expected<Checkpoint> open() const {
    EXPECT_TRUE(write_tensors(path() / "model.safetensors", tensors));
    return Checkpoint::open(path().string());
  }
  [[nodiscard]] Status check() const {
    RETORT_TRY(const Checkpoint checkpoint, open());
    return checkpoint.check_tensors();
  }
  void patch_config(std::string_view patch) const {
    std::ifstream in(path() / "config.json");
    Json config = Json::parse(in);
    config.merge_patch(Json::parse(patch));
    std::ofstream(path() / "config.json") << config.dump();
  }

  std::vector<OwnedTensor> tensors;

 private:
  TempDir dir_;
};

TEST(QuantizedTensors, EveryFormIsWhole) {
  for (const QuantizedForm& form : quantized_forms()) {
    const QuantizedFolder folder(form.name);
    const auto status = folder.check();
    EXPECT_TRUE(status) << form.name << ": " << status.error().message();
  }
}

TEST(QuantizedTensors, EveryTensorOfEveryFormIsNeededInItsShapeAndType) {
  for (const QuantizedForm& form : quantized_forms()) {
    QuantizedFolder folder(form.name);
    const std::vector<OwnedTensor> whole = folder.tensors;
    for (const OwnedTensor& tensor : whole) {
      if (!tensor.name.starts_with(kUp)) continue;
      SCOPED_TRACE(std::string(form.name) + " " + tensor.name);
      folder.tensors = whole;
      folder.drop(tensor.name);
      if (!tensor.name.ends_with("g_idx")) {  // for that see below
        expect_error(folder.check(), ErrorCode::kCorrupt, {tensor.name, to_string(tensor.shape), "missing"});
      }
      folder.tensors = whole;
      folder.reshape(tensor.name, {3, 5}, tensor.dtype);
      expect_error(folder.check(), ErrorCode::kCorrupt, {tensor.name, "[3, 5]", to_string(tensor.shape)});
      folder.tensors = whole;
      folder.reshape(tensor.name, tensor.shape, DType::kU8);
      expect_error(folder.check(), ErrorCode::kUnsupported, {tensor.name, "U8", to_string(tensor.dtype)});
    }
  }
}

TEST(QuantizedTensors, GroupsInAnotherOrderNeedTheirIndex) {
  QuantizedFolder ordered("gptq_order");
  ordered.drop(kUp + ".g_idx");
  expect_error(ordered.check(), ErrorCode::kCorrupt, {kUp + ".g_idx", "[32]", "missing"});
  QuantizedFolder plain("gptq");
  plain.drop(kUp + ".g_idx");
  EXPECT_TRUE(plain.check());
  QuantizedFolder packed("packed_asym");
  packed.drop(kUp + ".weight_g_idx");
  expect_error(packed.check(), ErrorCode::kCorrupt, {kUp + ".weight_g_idx", "missing"});
}

TEST(QuantizedTensors, UnknownOnesAreRefusedAndHarmlessOnesAreNot) {
  QuantizedFolder folder("gptq");
  folder.tensors.push_back(testing::float_tensor("model.layers.0.self_attn.k_scale", DType::kF32, {1}, {1}));
  folder.tensors.push_back(testing::float_tensor(kUp + ".bias", DType::kF16, {48}, std::vector<float>(48)));
  auto status = folder.check();
  EXPECT_TRUE(status) << status.error().message();
  folder.tensors.push_back(testing::float_tensor(kUp + ".weight", DType::kF16, {48, 32}, std::vector<float>(48 * 32)));
  expect_error(folder.check(), ErrorCode::kUnsupported, {kUp + ".weight", "not part of"});
  QuantizedFolder fp8("fp8_tensor");
  fp8.tensors.push_back(testing::float_tensor(kUp + ".input_scale", DType::kF32, {}, {1}));
  EXPECT_TRUE(fp8.check()) << "a static activation scale";
  fp8.drop("model.layers.0.self_attn.q_proj.bias");
  expect_error(fp8.check(), ErrorCode::kCorrupt, {"self_attn.q_proj.bias", "missing"});
}

TEST(QuantizedTensors, APlainFloatWeightIsPlainWhateverTheListsSay) {
  for (const char* form : {"awq", "packed", "int8", "fp8_block"}) {
    QuantizedFolder folder(form);
    std::erase_if(folder.tensors, [](const OwnedTensor& tensor) { return tensor.name.starts_with(kUp); });
    folder.tensors.push_back(
        testing::float_tensor(kUp + ".weight", DType::kBF16, {48, 32}, std::vector<float>(48 * 32, 0.5F)));
    const auto status = folder.check();
    EXPECT_TRUE(status) << form << ": " << status.error().message();
    EXPECT_EQ(folder.open()->scheme_of(kUp), nullptr);
    EXPECT_NE(folder.open()->scheme_of("model.layers.0.mlp.up_proj"), nullptr);
  }
}

TEST(QuantizedTensors, WhatTheConfigurationIgnoresMustBePlain) {
  QuantizedFolder folder("packed");
  folder.patch_config(R"({"quantization_config":{"ignore":["lm_head","re:.*up_proj$"]}})");
  expect_error(folder.check(), ErrorCode::kCorrupt, {"up_proj.weight", "missing"});
}

TEST(QuantizedTensors, ShapesThatNoSchemeHolds) {
  QuantizedFolder groups("awq");
  groups.patch_config(R"({"quantization_config":{"group_size":20}})");
  expect_error(groups.check(), ErrorCode::kUnsupported, {"32 columns", "multiple of 20"});
  QuantizedFolder rows("gptq");
  rows.patch_config(R"({"intermediate_size":44})");
  expect_error(rows.check(), ErrorCode::kUnsupported, {"44 rows", "multiple of 8"});
}

TEST(QuantizedTensors, WeightShapeMustSayTheShape) {
  QuantizedFolder folder("packed");
  folder[kUp + ".weight_shape"].bytes[8] = std::byte{31};
  expect_error(folder.check(), ErrorCode::kCorrupt, {kUp + ".weight_shape", "[48, 31]", "[48, 32]"});
}

TEST(QuantizedTensors, AnUnsupportedMethodOpensAndSaysWhyItIsNotRun) {
  const QuantizedFolder folder("awq");
  folder.patch_config(R"({"quantization_config":{"version":"gemv"}})");
  const auto checkpoint = folder.open();
  ASSERT_TRUE(checkpoint) << checkpoint.error().message();
  EXPECT_FALSE(checkpoint->config().quantization);
  expect_error(checkpoint->check_tensors(), ErrorCode::kUnsupported, {"quantization_config", "version", "gemv"});
  folder.patch_config(R"({"quantization_config":{"version":"gemm","group_size":0}})");
  expect_error(folder.open(), ErrorCode::kCorrupt, {"config.json", "quantization_config", "group_size"});
}

TEST(QuantizedTensors, ThePlanCountsWeightsAndNotWords) {
  const QuantizedFolder folder("awq");
  const auto checkpoint = folder.open();
  ASSERT_TRUE(checkpoint);
  const WeightsPlan plan = plan_weights(*checkpoint);
  // Two layers of q, o 32x32, k, v 16x32, gate, up 48x32, down 32x48.
  const std::uint64_t quantized = 2 * (2 * 32 * 32 + 2 * 16 * 32 + 3 * 48 * 32);
  // Half a byte each, and for 16 of them half a byte of zero and two of scale.
  const std::uint64_t quantized_bytes = quantized / 2 + quantized / 16 * 5 / 2;
  // Embedding and head 97x32, the norms of 32, q, k and v biases of 32, 16, 16.
  const std::uint64_t plain = 2 * 97 * 32 + 5 * 32 + 2 * 64;
  EXPECT_EQ(plan.parameters, quantized + plain);
  EXPECT_EQ(plan.bytes, quantized_bytes + 4 * plain);
  EXPECT_EQ(plan.loaded_bytes, 4 * (quantized + plain));
  ASSERT_EQ(plan.types.size(), 2U);
  EXPECT_EQ(plan.types[0].quantization, "") << "the most bytes first";
  EXPECT_EQ(plan.types[1].quantization, "int4 g16");
  EXPECT_EQ(plan.types[1].dtype, DType::kI32);
  EXPECT_EQ(plan.types[1].tensors, 14U);
  EXPECT_EQ(plan.types[1].bytes, quantized_bytes);
}

TEST(QuantizedTensors, ThePlanCountsAsInTheFileWhatIsPacked) {
  const auto plan = [](const QuantizedForm& form) {
    const TempDir dir;
    EXPECT_TRUE(write_quantized_model(dir.path() / "quantized", dir.path() / "plain", form));
    return plan_weights(Checkpoint::open((dir.path() / "quantized").string()).value());
  };
  for (const auto* name : {"awq", "gptq_int8", "packed", "int8"}) {
    const WeightsPlan packed = plan(testing::packable_form(name, 32));
    EXPECT_EQ(packed.loaded_bytes, packed.bytes) << name;
  }
  for (const auto* name : {"gptq_order", "fp8_row"}) {
    const WeightsPlan expanded = plan(testing::packable_form(name, 32));
    EXPECT_EQ(expanded.loaded_bytes, 4 * expanded.parameters) << name;
  }
  // 48 columns of 32 rows, in each of two layers: 4 bytes in place of one, and of a row's scale.
  const WeightsPlan some = plan(*std::ranges::find(quantized_forms(), std::string_view("int8"), &QuantizedForm::name));
  EXPECT_EQ(some.loaded_bytes - some.bytes, 2U * (32 * 48 * 3 - 32 * 4));
}

}  // namespace
}  // namespace retort
