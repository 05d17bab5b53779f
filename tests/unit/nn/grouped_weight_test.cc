// One matrix under every scheme: codes, scales and zeros as they were written, in any batch, and what corrupt data
// does.
#include "nn/grouped_weight.h"

#include <cmath>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <limits>

#include "core/json.h"
#include "io/safetensors.h"
#include "kernels/dispatch.h"
#include "nn/weights.h"
#include "testing/expect_error.h"
#include "testing/quantized_checkpoint.h"
#include "testing/temp_dir.h"

namespace retort {
namespace {

using namespace ::retort::testing;  // NOLINT: the builders

const std::string kModule = "model.layers.0.mlp.up_proj";

// A checkpoint that has the tensors of one module only. Shapes are the test's, not the configuration's.
class OneModule {
 public:
  OneModule(const std::vector<OwnedTensor>& tensors, const std::string& quantization) {
    Json config = Json::parse(R"({"architectures":["Qwen2ForCausalLM"],"eos_token_id":2,"hidden_size":4,
      "intermediate_size":6,"max_position_embeddings":16,"num_attention_heads":1,"num_hidden_layers":1,
      "vocab_size":3})");
    config["quantization_config"] = Json::parse(quantization);
    dir_.write("config.json", config.dump());
    EXPECT_TRUE(write_tensors(dir_.path() / "model.safetensors", tensors));
    auto opened = Checkpoint::open(dir_.path().string());
    EXPECT_TRUE(opened) << opened.error().message();
    checkpoint_ = std::make_unique<Checkpoint>(std::move(*opened));
  }
  [[nodiscard]] const WeightScheme& scheme() const { return *checkpoint_->config().quantization->scheme_for(kModule); }
  [[nodiscard]] Expected<GroupedWeight> ints(std::int64_t rows, std::int64_t columns) const {
    return grouped_weight(*checkpoint_, kModule, scheme(), {rows, columns});
  }
  [[nodiscard]] Expected<ScaledFp8Weight> fp8(std::int64_t rows, std::int64_t columns) const {
    return scaled_fp8_weight(*checkpoint_, kModule, scheme(), {rows, columns});
  }

 private:
  TempDir dir_;
  std::unique_ptr<Checkpoint> checkpoint_;
};

void expect_bits(const std::vector<float>& got, const std::vector<float>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  EXPECT_EQ(std::memcmp(got.data(), expected.data(), got.size() * sizeof(float)), 0);
}

void expect_same(const GroupedWeight& w, const IntMatrix& m) {
  ASSERT_EQ(w.rows, m.rows);
  ASSERT_EQ(w.columns, m.columns);
  EXPECT_EQ(w.bits, m.bits);
  ASSERT_EQ(w.group_count, m.groups);
  const std::vector<std::uint8_t> codes(m.codes.begin(), m.codes.end());
  for (std::int64_t c = 0; c < m.columns; ++c) ASSERT_EQ(w.group(c), m.group_of_column[c]) << c;
  for (std::int64_t r = 0; r < m.rows; ++r) {
    for (std::int64_t g = 0; g < m.groups; ++g) {
      ASSERT_EQ(w.scale(r, g), m.scale(r, g)) << r << " " << g;
      ASSERT_EQ(w.zero(r, g), m.zero(r, g)) << r << " " << g;
    }
  }
  const std::vector<float> values = m.values();
  // Any rows at once, also such as start and end within a word.
  for (const std::int64_t count : {std::int64_t{1}, std::int64_t{3}, std::int64_t{16}, m.rows}) {
    std::vector<std::uint8_t> q(m.rows * m.columns, 0xEE);
    std::vector<float> out(m.rows * m.columns);
    for (std::int64_t r = 0; r < m.rows; r += count) {
      const std::int64_t n = std::min(count, m.rows - r);
      w.codes(r, n, q.data() + r * m.columns);
      w.dequantize_rows(r, n, out.data() + r * m.columns);
    }
    EXPECT_EQ(q, codes) << count << " at once";
    expect_bits(out, values);
  }
  std::vector<float> all(values.size());
  dequantize_all(w, all.data());
  expect_bits(all, values);
  std::vector<std::uint8_t> row(m.columns);
  w.codes(m.rows - 1, row.data());
  EXPECT_TRUE(std::equal(row.begin(), row.end(), codes.end() - m.columns));
}

void expect_module(const std::vector<OwnedTensor>& tensors, const std::string& config, const IntMatrix& m) {
  const OneModule module(tensors, config);
  const auto weight = module.ints(m.rows, m.columns);
  ASSERT_TRUE(weight) << config << ": " << weight.error().message();
  expect_same(*weight, m);
}

std::string gptq_config(int bits, std::int64_t group_size, std::string_view more) {
  return fmt::format(R"({{"quant_method":"gptq","bits":{},"group_size":{},{}}})", bits, group_size, more);
}

std::string packed_config(int bits, std::string_view more) {
  return fmt::format(R"({{"quant_method":"compressed-tensors","format":"pack-quantized","config_groups":{{"g":
    {{"targets":["Linear"],"weights":{{"num_bits":{},{}}}}}}}}})",
                     bits, more);
}

TEST(GroupedWeight, Awq) {
  std::mt19937 random(1);
  for (const std::int64_t group : {32, 64, 128, -1}) {
    const IntMatrix m = random_matrix(random, 152, 256, 4, group, Zeros::kAny);
    expect_module(awq_tensors(kModule, m), fmt::format(R"({{"quant_method":"awq","group_size":{}}})", group), m);
  }
}

TEST(GroupedWeight, Gptq) {
  std::mt19937 random(2);
  for (const int bits : {4, 8}) {
    for (const std::int64_t group : {32, 128, -1}) {
      const auto matrix = [&](Zeros zeros, Order order = Order::kAscending) {
        return random_matrix(random, 136, 256, bits, group, zeros, order);
      };
      const IntMatrix any = matrix(Zeros::kAny);
      expect_module(gptq_tensors(kModule, any, GptqFormat::kOne), gptq_config(bits, group, R"("sym":false)"), any);
      expect_module(gptq_tensors(kModule, any, GptqFormat::kTwo),
                    gptq_config(bits, group, R"("sym":false,"checkpoint_format":"gptq_v2")"), any);
      const IntMatrix middle = matrix(Zeros::kMiddle);
      expect_module(gptq_tensors(kModule, middle, GptqFormat::kOne), gptq_config(bits, group, R"("sym":true)"), middle);
      expect_module(gptq_tensors(kModule, middle, GptqFormat::kTwo), gptq_config(bits, group, R"("sym":true)"), middle);
      const IntMatrix shuffled = matrix(Zeros::kAny, Order::kShuffled);
      expect_module(gptq_tensors(kModule, shuffled, GptqFormat::kOne),
                    gptq_config(bits, group, R"("sym":false,"desc_act":true)"), shuffled);
    }
  }
}

TEST(GroupedWeight, GptqWithoutAnIndexIsInOrder) {
  std::mt19937 random(3);
  const IntMatrix m = random_matrix(random, 16, 64, 4, 32, Zeros::kMiddle);
  std::vector<OwnedTensor> tensors = gptq_tensors(kModule, m, GptqFormat::kOne);
  tensors.pop_back();
  expect_module(tensors, gptq_config(4, 32, R"("desc_act":false)"), m);
}

// The first format's 15 is the zero point 0 and not 16: its quantizer writes (zero - 1) modulo 16.
TEST(GroupedWeight, GptqZeroWrapsAround) {
  std::mt19937 random(4);
  IntMatrix m = random_matrix(random, 8, 32, 4, 32, Zeros::kAny);
  m.zeros = {0, 1, 2, 15, 0, 14, 8, 0};
  const OneModule module(gptq_tensors(kModule, m, GptqFormat::kOne), gptq_config(4, 32, R"("sym":false)"));
  const auto weight = module.ints(8, 32);
  ASSERT_TRUE(weight);
  for (int r = 0; r < 8; ++r) EXPECT_EQ(weight->zero(r, 0), m.zeros[r]);
}

TEST(GroupedWeight, Packed) {
  std::mt19937 random(5);
  for (const int bits : {4, 8}) {
    for (const std::int64_t rows : {16, 13}) {  // 13: the last word of zeros is not full
      const IntMatrix groups = random_matrix(random, rows, 192, bits, 64, Zeros::kMiddle);
      expect_module(packed_tensors(kModule, groups, Zeros::kMiddle, Order::kAscending),
                    packed_config(bits, R"("group_size":64,"strategy":"group")"), groups);
      const IntMatrix any = random_matrix(random, rows, 192, bits, 64, Zeros::kAny);
      expect_module(packed_tensors(kModule, any, Zeros::kAny, Order::kAscending),
                    packed_config(bits, R"("group_size":64,"symmetric":false)"), any);
      const IntMatrix shuffled = random_matrix(random, rows, 192, bits, 64, Zeros::kAny, Order::kShuffled);
      expect_module(packed_tensors(kModule, shuffled, Zeros::kAny, Order::kShuffled),
                    packed_config(bits, R"("group_size":64,"symmetric":false,"actorder":"group")"), shuffled);
      // 131 columns: nor is the last word of codes.
      const IntMatrix row = random_matrix(random, rows, 131, bits, -1, Zeros::kMiddle);
      expect_module(packed_tensors(kModule, row, Zeros::kMiddle, Order::kAscending),
                    packed_config(bits, R"("strategy":"channel")"), row);
    }
  }
}

TEST(GroupedWeight, PackedWithAnIndexOfMinusOnesIsInOrder) {
  std::mt19937 random(6);
  const IntMatrix m = random_matrix(random, 8, 64, 4, 32, Zeros::kMiddle);
  auto tensors = packed_tensors(kModule, m, Zeros::kMiddle, Order::kAscending);
  tensors.push_back(int32_tensor(kModule + ".weight_g_idx", {64}, std::vector<std::uint32_t>(64, 0xFFFFFFFF)));
  expect_module(tensors, packed_config(4, R"("group_size":32)"), m);
}

TEST(GroupedWeight, PlainBytes) {
  std::mt19937 random(7);
  const std::string config = R"({"quant_method":"compressed-tensors","format":"int-quantized","config_groups":{"g":
    {"targets":["Linear"],"weights":{"num_bits":8,"strategy":"channel"%}}}})";
  const auto with = [&](std::string_view more) { return std::string(config).replace(config.find('%'), 1, more); };
  const IntMatrix m = random_matrix(random, 21, 33, 8, -1, Zeros::kMiddle);
  for (const DType scales : {DType::kF32, DType::kF16, DType::kBF16}) {
    expect_module(int8_tensors(kModule, m, scales), with(""), m);
  }
  const IntMatrix any = random_matrix(random, 21, 33, 8, -1, Zeros::kAny);
  auto tensors = int8_tensors(kModule, any, DType::kF32);
  OwnedTensor zeros{kModule + ".weight_zero_point", DType::kI8, {21, 1}, {}};
  for (const int zero : any.zeros) zeros.bytes.push_back(static_cast<std::byte>(zero - 128));
  tensors.push_back(zeros);
  expect_module(tensors, with(R"(,"symmetric":false)"), any);
  IntMatrix one = random_matrix(random, 5, 9, 8, -1, Zeros::kMiddle);
  one.scales.assign(5, 0.25F);
  auto shared = int8_tensors(kModule, one, DType::kF32);
  shared[1] = float_tensor(kModule + ".weight_scale", DType::kF32, {1}, {0.25F});
  std::string tensor_config = with("");
  tensor_config.replace(tensor_config.find("channel"), 7, "tensor");
  expect_module(shared, tensor_config, one);
}

TEST(GroupedWeight, AScaleOfF32IsRoundedOnce) {
  std::mt19937 random(8);
  IntMatrix m = random_matrix(random, 8, 40, 8, -1, Zeros::kMiddle);
  for (float& scale : m.scales) scale = std::nextafter(scale, 1.0F);  // 24 bits
  const OneModule module(int8_tensors(kModule, m, DType::kF32),
                         R"({"quant_method":"compressed-tensors","format":"int-quantized","config_groups":{"g":
                         {"targets":["Linear"],"weights":{"num_bits":8,"strategy":"channel"}}}})");
  const auto weight = module.ints(8, 40);
  ASSERT_TRUE(weight);
  std::vector<float> out(40);
  for (int r = 0; r < 8; ++r) {
    weight->dequantize_row(r, out.data());
    for (int c = 0; c < 40; ++c) {
      const double exact = static_cast<double>(m.scales[r]) * (m.code(r, c) - 128);
      EXPECT_EQ(out[c], static_cast<float>(exact));
    }
  }
}

TEST(GroupedWeight, NotANumberIsPassedOn) {
  std::mt19937 random(9);
  IntMatrix m = random_matrix(random, 8, 32, 4, 16, Zeros::kAny);
  m.scales[0] = std::numeric_limits<float>::quiet_NaN();
  m.scales[3] = std::numeric_limits<float>::infinity();
  m.codes[1 * 32 + 16] = 3;
  m.zeros[3] = 2;
  const OneModule module(awq_tensors(kModule, m), R"({"quant_method":"awq","group_size":16})");
  const auto weight = module.ints(8, 32);
  ASSERT_TRUE(weight);
  std::vector<float> out(32 * 8);
  dequantize_all(*weight, out.data());
  EXPECT_TRUE(std::isnan(out[0]));
  EXPECT_FALSE(std::isnan(out[16]));
  EXPECT_EQ(out[32 + 16], std::numeric_limits<float>::infinity());
}

// ---- FP8 ----

TEST(ScaledFp8Weight, BlocksRowsAndTensors) {
  std::mt19937 random(10);
  struct Case {
    std::int64_t block_rows, block_columns;
    Shape scale_shape;
    const char* name;
    const char* config;
  };
  const char* compressed_start = R"({"quant_method":"compressed-tensors","format":"float-quantized","config_groups":
    {"g":{"targets":["Linear"],"weights":{"num_bits":8,"type":"float",)";
  const std::string row = std::string(compressed_start) + R"("strategy":"channel"}}}})";
  const std::string block = std::string(compressed_start) + R"("strategy":"block","block_structure":[16,8]}}}})";
  const Case cases[] = {
      {16, 8, {3, 6}, "weight_scale_inv", R"({"quant_method":"fp8","weight_block_size":[16,8]})"},
      {128, 128, {1, 1}, "weight_scale_inv", R"({"quant_method":"fp8","weight_block_size":[128,128]})"},
      {37, 45, {1}, "weight_scale", R"({"quant_method":"fp8"})"},
      {37, 45, {}, "weight_scale", R"({"quant_method":"fp8"})"},
      {1, 45, {37, 1}, "weight_scale", row.c_str()},
      {1, 45, {37}, "weight_scale", row.c_str()},
      {16, 8, {3, 6}, "weight_scale", block.c_str()},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.config);
    const Fp8Matrix m = random_fp8(random, 37, 45, c.block_rows, c.block_columns);
    const OneModule module(fp8_tensors(kModule, m, c.name, c.scale_shape, DType::kBF16), c.config);
    const auto weight = module.fp8(37, 45);
    ASSERT_TRUE(weight) << weight.error().message();
    std::vector<float> out(37 * 45);
    dequantize_all(*weight, out.data());
    expect_bits(out, m.values());
    EXPECT_EQ(weight->scale(36, 44), m.scales.back());
  }
}

// ---- data that contradicts itself ----

TEST(GroupedWeight, IndicesOutOfRangeAreRefused) {
  std::mt19937 random(11);
  const IntMatrix m = random_matrix(random, 8, 64, 4, 32, Zeros::kAny, Order::kShuffled);
  for (const std::uint32_t bad : {2U, 0xFFFFFFFFU, 0x80000000U, 0x7FFFFFFFU}) {
    auto tensors = gptq_tensors(kModule, m, GptqFormat::kOne);
    std::memcpy(tensors[3].bytes.data() + 4 * 5, &bad, 4);
    const OneModule module(tensors, gptq_config(4, 32, R"("desc_act":true,"sym":false)"));
    expect_error(module.ints(8, 64), ErrorCode::kCorrupt, {"g_idx", "column 5", "0 to 1"});
    auto packed = packed_tensors(kModule, m, Zeros::kAny, Order::kShuffled);
    std::memcpy(packed[4].bytes.data() + 4 * 5, &bad, 4);
    const OneModule second(packed, packed_config(4, R"("group_size":32,"symmetric":false,"actorder":"group")"));
    expect_error(second.ints(8, 64), ErrorCode::kCorrupt, {"weight_g_idx", "column 5"});
  }
}

TEST(GroupedWeight, AnOrderThatTheConfigurationDeniesIsRefused) {
  std::mt19937 random(12);
  const IntMatrix m = random_matrix(random, 8, 64, 4, 32, Zeros::kMiddle, Order::kShuffled);
  const OneModule module(gptq_tensors(kModule, m, GptqFormat::kOne), gptq_config(4, 32, R"("desc_act":false)"));
  expect_error(module.ints(8, 64), ErrorCode::kCorrupt, {"g_idx", "desc_act"});
}

TEST(GroupedWeight, AZeroPointThatSymmetryDeniesIsRefused) {
  std::mt19937 random(13);
  for (const int bits : {4, 8}) {
    IntMatrix m = random_matrix(random, 8, 64, bits, 32, Zeros::kMiddle);
    m.zeros[5] -= 1;
    const OneModule module(gptq_tensors(kModule, m, GptqFormat::kOne), gptq_config(bits, 32, R"("sym":true)"));
    expect_error(module.ints(8, 64), ErrorCode::kCorrupt, {"qzeros", "symmetric"});
  }
}

TEST(GroupedWeight, ShapesAreCheckedWhoeverAsks) {
  std::mt19937 random(14);
  const IntMatrix m = random_matrix(random, 16, 64, 4, 32, Zeros::kAny);
  const OneModule module(awq_tensors(kModule, m), R"({"quant_method":"awq","group_size":32})");
  EXPECT_TRUE(module.ints(16, 64));
  expect_error(module.ints(24, 64), ErrorCode::kCorrupt, {"qweight", "[64, 2]", "[64, 3]"});
  expect_error(module.ints(16, 96), ErrorCode::kCorrupt, {"qweight"});
  expect_error(module.ints(16, 65), ErrorCode::kUnsupported, {"65 columns"});
  expect_error(module.ints(15, 64), ErrorCode::kUnsupported, {"15 rows"});
}

// ---- as layers get them ----

TEST(LoadWeights, KeepsTheCodesBesideTheValues) {
  const TempDir dir;
  for (const QuantizedForm& form : quantized_forms()) {
    ASSERT_TRUE(write_quantized_model(dir.path() / "quantized", dir.path() / "plain", form));
    const auto checkpoint = Checkpoint::open((dir.path() / "quantized").string());
    ASSERT_TRUE(checkpoint);
    const auto weights = load_weights(*checkpoint, **kernel_table(Isa::kRef), {.quality = Quality::kExact});
    ASSERT_TRUE(weights) << form.name << ": " << weights.error().message();
    const Linear& down = weights->layers[1].mlp->down;
    EXPECT_EQ(down.rows(), 32);
    EXPECT_EQ(down.columns(), 48);
    EXPECT_EQ(down.w.dtype, DType::kF32);
    EXPECT_EQ(down.grouped.has_value(), !std::string_view(form.name).starts_with("fp8")) << form.name;
    EXPECT_FALSE(weights->head.grouped);
    EXPECT_EQ(weights->dequantized.size(), 14U);
    EXPECT_EQ(weights->layers[0].q.bias.size(), 32U);
  }
}

TEST(LoadWeights, ABiasThatTheNetworkDoesNotHaveMustBeZeros) {
  const TempDir dir;
  ASSERT_TRUE(write_quantized_model(dir.path() / "quantized", dir.path() / "plain", quantized_forms()[1]));
  const auto file = open_safetensors(dir.path() / "quantized/model.safetensors");
  ASSERT_TRUE(file);
  std::vector<OwnedTensor> tensors;
  for (const auto& [name, view] : file->tensors) {
    tensors.push_back({name, view.dtype, view.shape, {view.data, view.data + view.bytes}});
  }
  std::vector<float> bias(32);
  tensors.push_back(float_tensor("model.layers.1.self_attn.o_proj.bias", DType::kF16, {32}, bias));
  const auto load = [&]() -> Status {
    EXPECT_TRUE(write_tensors(dir.path() / "quantized/model.safetensors", tensors));
    RETORT_TRY(const Checkpoint checkpoint, Checkpoint::open((dir.path() / "quantized").string()));
    RETORT_TRY_STATUS(checkpoint.check_tensors());
    RETORT_TRY(const ModelWeights weights,
               load_weights(checkpoint, **kernel_table(Isa::kRef), {.quality = Quality::kExact}));
    EXPECT_TRUE(weights.layers[1].o.bias.empty());
    return {};
  };
  const auto status = load();
  EXPECT_TRUE(status) << status.error().message();
  bias[7] = 0.5F;
  tensors.back() = float_tensor("model.layers.1.self_attn.o_proj.bias", DType::kF16, {32}, bias);
  expect_error(load(), ErrorCode::kUnsupported, {"model.layers.1.self_attn.o_proj.bias", "zeros"});
}

}  // namespace
}  // namespace retort
