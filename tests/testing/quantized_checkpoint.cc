#include "testing/quantized_checkpoint.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <functional>
#include <numeric>

#include "core/float_bits.h"
#include "core/json.h"
#include "io/safetensors.h"
#include "testing/tiny_checkpoint.h"

namespace retort::testing {
namespace {

template <typename T>
OwnedTensor owned(const std::string& name, DType dtype, const Shape& shape, const std::vector<T>& values) {
  OwnedTensor tensor{name, dtype, shape, std::vector<std::byte>(values.size() * sizeof(T))};
  if (!values.empty()) std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
  return tensor;
}

// 0 for what lies beyond the end: the padding of a last word.
std::uint32_t word_of(int bits, const std::function<int(int)>& code_at) {
  std::uint32_t word = 0;
  for (int i = 0; i < 32 / bits; ++i) word |= static_cast<std::uint32_t>(code_at(i)) << (i * bits);
  return word;
}

std::vector<float> scales_by_group(const IntMatrix& m) {
  std::vector<float> out;
  for (std::int64_t g = 0; g < m.groups; ++g) {
    for (std::int64_t r = 0; r < m.rows; ++r) out.push_back(m.scale(r, g));
  }
  return out;
}

OwnedTensor group_index(const std::string& name, const IntMatrix& m) {
  std::vector<std::uint32_t> index(m.group_of_column.begin(), m.group_of_column.end());
  return int32_tensor(name, {m.columns}, index);
}

}  // namespace

OwnedTensor int32_tensor(const std::string& name, const Shape& shape, const std::vector<std::uint32_t>& values) {
  return owned(name, DType::kI32, shape, values);
}

OwnedTensor float_tensor(const std::string& name, DType dtype, const Shape& shape, const std::vector<float>& values) {
  if (dtype == DType::kF32) return owned(name, dtype, shape, values);
  std::vector<std::uint16_t> halves;
  for (const float value : values) halves.push_back(dtype == DType::kF16 ? float_to_f16(value) : float_to_bf16(value));
  return owned(name, dtype, shape, halves);
}

std::vector<float> IntMatrix::values() const {
  std::vector<float> out;
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) {
      const int g = group_of_column[c];
      out.push_back(scale(r, g) * static_cast<float>(code(r, c) - zero(r, g)));
    }
  }
  return out;
}

IntMatrix random_matrix(std::mt19937& random, std::int64_t rows, std::int64_t columns, int bits,
                        std::int64_t group_size, Zeros zeros, Order order) {
  IntMatrix m{.rows = rows, .columns = columns, .bits = bits};
  const std::int64_t size = group_size < 0 ? columns : group_size;
  m.groups = columns / size;
  for (std::int64_t c = 0; c < columns; ++c) m.group_of_column.push_back(static_cast<int>(c / size));
  if (order == Order::kShuffled) std::shuffle(m.group_of_column.begin(), m.group_of_column.end(), random);
  const int largest = (1 << bits) - 1;
  std::uniform_int_distribution<int> code(0, largest);
  for (std::int64_t i = 0; i < rows * columns; ++i) m.codes.push_back(code(random));
  std::uniform_int_distribution<int> mantissa(128, 255);  // 8 bits: F16 and BF16 hold them
  for (std::int64_t i = 0; i < rows * m.groups; ++i) {
    m.scales.push_back(static_cast<float>(mantissa(random)) * (bits == 4 ? 0x1p-12f : 0x1p-16f));
    m.zeros.push_back(zeros == Zeros::kMiddle ? (largest + 1) / 2 : code(random));
  }
  return m;
}

std::vector<OwnedTensor> awq_tensors(const std::string& module, const IntMatrix& m) {
  constexpr int kRowOfNibble[] = {0, 2, 4, 6, 1, 3, 5, 7};
  std::vector<std::uint32_t> weights;
  std::vector<std::uint32_t> zeros;
  for (std::int64_t c = 0; c < m.columns; ++c) {
    for (std::int64_t j = 0; j < m.rows / 8; ++j) {
      weights.push_back(word_of(4, [&](int i) { return m.code(8 * j + kRowOfNibble[i], c); }));
    }
  }
  for (std::int64_t g = 0; g < m.groups; ++g) {
    for (std::int64_t j = 0; j < m.rows / 8; ++j) {
      zeros.push_back(word_of(4, [&](int i) { return m.zero(8 * j + kRowOfNibble[i], g); }));
    }
  }
  return {int32_tensor(module + ".qweight", {m.columns, m.rows / 8}, weights),
          int32_tensor(module + ".qzeros", {m.groups, m.rows / 8}, zeros),
          float_tensor(module + ".scales", DType::kF16, {m.groups, m.rows}, scales_by_group(m))};
}

std::vector<OwnedTensor> gptq_tensors(const std::string& module, const IntMatrix& m, GptqFormat format) {
  const int per_word = 32 / m.bits;
  std::vector<std::uint32_t> weights;
  std::vector<std::uint32_t> zeros;
  for (std::int64_t j = 0; j < m.columns / per_word; ++j) {
    for (std::int64_t r = 0; r < m.rows; ++r) {
      weights.push_back(word_of(m.bits, [&](int i) { return m.code(r, j * per_word + i); }));
    }
  }
  const int largest = (1 << m.bits) - 1;
  for (std::int64_t g = 0; g < m.groups; ++g) {
    for (std::int64_t j = 0; j < m.rows / per_word; ++j) {
      zeros.push_back(word_of(m.bits, [&](int i) {
        const int zero = m.zero(j * per_word + i, g);
        if (format == GptqFormat::kTwo) return zero;
        return zero == 0 ? largest : zero - 1;
      }));
    }
  }
  return {int32_tensor(module + ".qweight", {m.columns / per_word, m.rows}, weights),
          int32_tensor(module + ".qzeros", {m.groups, m.rows / per_word}, zeros),
          float_tensor(module + ".scales", DType::kF16, {m.groups, m.rows}, scales_by_group(m)),
          group_index(module + ".g_idx", m)};
}

std::vector<OwnedTensor> packed_tensors(const std::string& module, const IntMatrix& m, Zeros zeros, Order order) {
  const int per_word = 32 / m.bits;
  std::vector<std::uint32_t> weights;
  const std::int64_t words = (m.columns + per_word - 1) / per_word;
  for (std::int64_t r = 0; r < m.rows; ++r) {
    for (std::int64_t j = 0; j < words; ++j) {
      weights.push_back(word_of(m.bits, [&](int i) {
        const std::int64_t c = j * per_word + i;
        return c < m.columns ? m.code(r, c) : 0;
      }));
    }
  }
  const std::vector<std::int64_t> shape = {m.rows, m.columns};
  std::vector<OwnedTensor> out = {int32_tensor(module + ".weight_packed", {m.rows, words}, weights),
                                  owned(module + ".weight_shape", DType::kI64, {2}, shape),
                                  float_tensor(module + ".weight_scale", DType::kBF16, {m.rows, m.groups}, m.scales)};
  if (zeros == Zeros::kAny) {
    std::vector<std::uint32_t> packed;
    const std::int64_t zero_words = (m.rows + per_word - 1) / per_word;
    for (std::int64_t j = 0; j < zero_words; ++j) {
      for (std::int64_t g = 0; g < m.groups; ++g) {
        packed.push_back(word_of(m.bits, [&](int i) {
          const std::int64_t r = j * per_word + i;
          return r < m.rows ? m.zero(r, g) : 0;
        }));
      }
    }
    out.push_back(int32_tensor(module + ".weight_zero_point", {zero_words, m.groups}, packed));
  }
  if (order == Order::kShuffled) out.push_back(group_index(module + ".weight_g_idx", m));
  return out;
}

std::vector<OwnedTensor> int8_tensors(const std::string& module, const IntMatrix& m, DType scales) {
  std::vector<std::int8_t> weights;
  for (const int code : m.codes) weights.push_back(static_cast<std::int8_t>(code - 128));
  return {owned(module + ".weight", DType::kI8, {m.rows, m.columns}, weights),
          float_tensor(module + ".weight_scale", scales, {m.rows, m.groups}, m.scales)};
}

std::vector<float> Fp8Matrix::values() const {
  const std::int64_t across = (columns + block_columns - 1) / block_columns;
  std::vector<float> out;
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) {
      out.push_back(scales[r / block_rows * across + c / block_columns] * f8e4m3_to_float(bits[r * columns + c]));
    }
  }
  return out;
}

Fp8Matrix random_fp8(std::mt19937& random, std::int64_t rows, std::int64_t columns, std::int64_t block_rows,
                     std::int64_t block_columns) {
  Fp8Matrix m{rows, columns, block_rows, block_columns, {}, {}};
  std::uniform_int_distribution<int> byte(0, 255);
  while (static_cast<std::int64_t>(m.bits.size()) < rows * columns) {
    const int bits = byte(random);
    if ((bits & 0x7F) != 0x7F) m.bits.push_back(static_cast<std::uint8_t>(bits));  // no NaN
  }
  std::uniform_int_distribution<int> mantissa(128, 255);
  const std::int64_t blocks = ((rows + block_rows - 1) / block_rows) * ((columns + block_columns - 1) / block_columns);
  for (std::int64_t i = 0; i < blocks; ++i) m.scales.push_back(static_cast<float>(mantissa(random)) * 0x1p-17f);
  return m;
}

std::vector<OwnedTensor> fp8_tensors(const std::string& module, const Fp8Matrix& m, const std::string& scale_name,
                                     const Shape& scale_shape, DType scales) {
  return {owned(module + ".weight", DType::kF8E4M3, {m.rows, m.columns}, m.bits),
          float_tensor(module + "." + scale_name, scales, scale_shape, m.scales)};
}

bool write_tensors(const std::filesystem::path& path, const std::vector<OwnedTensor>& tensors) {
  std::vector<NamedTensor> views;
  for (const OwnedTensor& tensor : tensors) {
    views.push_back({tensor.name, {tensor.dtype, tensor.shape, tensor.bytes.data(), tensor.bytes.size()}});
  }
  return write_safetensors(path, views).has_value();
}

const std::vector<QuantizedForm>& quantized_forms() {
  static const std::vector<QuantizedForm> forms = {
      {"awq", R"({"quant_method":"awq","bits":4,"group_size":16,"zero_point":true,"version":"gemm"})"},
      {"gptq", R"({"quant_method":"gptq","bits":4,"group_size":16,"desc_act":false,"sym":true})"},
      {"gptq_asym", R"({"quant_method":"gptq","bits":4,"group_size":16,"desc_act":false,"sym":false})"},
      {"gptq_v2", R"({"quant_method":"gptq","bits":4,"group_size":16,"sym":false,"checkpoint_format":"gptq_v2"})"},
      {"gptq_order", R"({"quant_method":"gptq","bits":4,"group_size":16,"desc_act":true,"sym":false})"},
      {"gptq_int8", R"({"quant_method":"gptq","bits":8,"group_size":-1,"desc_act":false,"sym":true})"},
      {"packed", R"({"quant_method":"compressed-tensors","format":"pack-quantized","ignore":["lm_head"],
        "config_groups":{"group_0":{"targets":["Linear"],"weights":{"num_bits":4,"type":"int","symmetric":true,
        "strategy":"group","group_size":16,"actorder":null}}}})"},
      {"packed_asym", R"({"quant_method":"compressed-tensors","format":"pack-quantized","ignore":["lm_head"],
        "config_groups":{"group_0":{"targets":["Linear"],"weights":{"num_bits":4,"type":"int","symmetric":false,
        "strategy":"group","group_size":16,"actorder":"group"}}}})"},
      {"packed_int8", R"({"quant_method":"compressed-tensors","format":"pack-quantized","ignore":["re:lm_head$"],
        "config_groups":{"group_0":{"targets":["Linear"],"weights":{"num_bits":8,"type":"int","symmetric":true,
        "strategy":"channel"}}}})"},
      {"int8", R"({"quant_method":"compressed-tensors","format":"int-quantized","ignore":["lm_head"],
        "config_groups":{"group_0":{"targets":["Linear"],"weights":{"num_bits":8,"type":"int","symmetric":true,
        "strategy":"channel"},"input_activations":{"num_bits":8,"type":"int","strategy":"token","dynamic":true}}}})"},
      {"fp8_row", R"({"quant_method":"compressed-tensors","format":"float-quantized","ignore":["lm_head"],
        "config_groups":{"group_0":{"targets":["Linear"],"weights":{"num_bits":8,"type":"float","symmetric":true,
        "strategy":"channel"}}}})"},
      {"fp8_block", R"({"quant_method":"fp8","activation_scheme":"dynamic","fmt":"e4m3","weight_block_size":[20,28]})"},
      {"fp8_tensor", R"({"quant_method":"fp8","activation_scheme":"static"})"},
  };
  return forms;
}

QuantizedForm packable_form(std::string_view name, std::int64_t group_size) {
  QuantizedForm form = *std::ranges::find(quantized_forms(), name, &QuantizedForm::name);
  const std::string sixteen = R"("group_size":16)";
  if (const auto at = form.config.find(sixteen); at != std::string::npos) {
    form.config.replace(at, sixteen.size(), fmt::format(R"("group_size":{})", group_size));
  }
  form.group_size = group_size;
  form.model.hidden_size = 2 * group_size;
  form.model.head_dim = group_size;
  form.model.intermediate_size = 3 * group_size;
  return form;
}

namespace {

std::vector<OwnedTensor> quantize(const QuantizedForm& of_model, const std::string& module, std::int64_t rows,
                                  std::int64_t columns, std::mt19937& random, std::vector<float>& values) {
  const std::string form = of_model.name;
  const std::int64_t group = of_model.group_size;
  const auto ints = [&](int bits, std::int64_t group_size, Zeros zeros, Order order = Order::kAscending) {
    const IntMatrix m = random_matrix(random, rows, columns, bits, group_size, zeros, order);
    values = m.values();
    return m;
  };
  const auto floats = [&](std::int64_t block_rows, std::int64_t block_columns) {
    const Fp8Matrix m = random_fp8(random, rows, columns, block_rows, block_columns);
    values = m.values();
    return m;
  };
  if (form == "awq") return awq_tensors(module, ints(4, group, Zeros::kAny));
  if (form == "gptq") return gptq_tensors(module, ints(4, group, Zeros::kMiddle), GptqFormat::kOne);
  if (form == "gptq_asym") return gptq_tensors(module, ints(4, group, Zeros::kAny), GptqFormat::kOne);
  if (form == "gptq_v2") return gptq_tensors(module, ints(4, group, Zeros::kAny), GptqFormat::kTwo);
  if (form == "gptq_order") {
    return gptq_tensors(module, ints(4, group, Zeros::kAny, Order::kShuffled), GptqFormat::kOne);
  }
  if (form == "gptq_int8") return gptq_tensors(module, ints(8, -1, Zeros::kMiddle), GptqFormat::kOne);
  if (form == "packed")
    return packed_tensors(module, ints(4, group, Zeros::kMiddle), Zeros::kMiddle, Order::kAscending);
  if (form == "packed_asym") {
    return packed_tensors(module, ints(4, group, Zeros::kAny, Order::kShuffled), Zeros::kAny, Order::kShuffled);
  }
  if (form == "packed_int8") {
    return packed_tensors(module, ints(8, -1, Zeros::kMiddle), Zeros::kMiddle, Order::kAscending);
  }
  if (form == "int8") return int8_tensors(module, ints(8, -1, Zeros::kMiddle), DType::kF32);
  if (form == "fp8_row") return fp8_tensors(module, floats(1, columns), "weight_scale", {rows, 1}, DType::kBF16);
  if (form == "fp8_tensor") return fp8_tensors(module, floats(rows, columns), "weight_scale", {1}, DType::kF32);
  const Fp8Matrix m = floats(20, 28);
  const Shape blocks = {(rows + 19) / 20, (columns + 27) / 28};
  return fp8_tensors(module, m, "weight_scale_inv", blocks, DType::kF32);
}

bool write_json(const std::filesystem::path& path, const Json& json) {
  std::ofstream file(path, std::ios::binary);
  file << json.dump(1);
  return static_cast<bool>(file.flush());
}

}  // namespace

bool write_quantized_model(const std::filesystem::path& quantized, const std::filesystem::path& plain,
                           const QuantizedForm& form) {
  if (!write_random_model(plain, form.model)) return false;
  std::filesystem::create_directories(quantized);
  std::vector<OwnedTensor> plain_tensors;
  std::vector<OwnedTensor> quantized_tensors;
  {
    const auto source = open_safetensors(plain / "model.safetensors");
    if (!source) return false;
    std::mt19937 random(7);
    for (const auto& [name, view] : source->tensors) {
      OwnedTensor copy{name, view.dtype, view.shape, std::vector<std::byte>(view.data, view.data + view.bytes)};
      if (name.ends_with("_proj.weight")) {
        std::vector<float> values;
        const std::string module = name.substr(0, name.size() - 7);
        for (OwnedTensor& tensor : quantize(form, module, view.shape[0], view.shape[1], random, values)) {
          quantized_tensors.push_back(std::move(tensor));
        }
        copy = float_tensor(name, DType::kF32, view.shape, values);
      } else {
        quantized_tensors.push_back(copy);
      }
      plain_tensors.push_back(std::move(copy));
    }
  }
  std::ifstream config_file(plain / "config.json");
  Json config = Json::parse(config_file);
  config["quantization_config"] = Json::parse(form.config);
  return write_json(quantized / "config.json", config) &&
         write_tensors(quantized / "model.safetensors", quantized_tensors) &&
         write_tensors(plain / "model.safetensors", plain_tensors);
}

}  // namespace retort::testing
