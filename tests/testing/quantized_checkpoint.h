// Quantized checkpoints made from known codes, scales and zeros: the layouts written down once more, the plain way, so
// that a test compares two readings of a format and not one with itself.
#pragma once

#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "core/tensor.h"
#include "testing/tiny_checkpoint.h"

namespace retort::testing {

struct OwnedTensor {
  std::string name;
  DType dtype;
  Shape shape;
  std::vector<std::byte> bytes;
};
OwnedTensor int32_tensor(const std::string& name, const Shape& shape, const std::vector<std::uint32_t>& values);
/// As `dtype`: F32, F16 or BF16; the values must fit.
OwnedTensor float_tensor(const std::string& name, DType dtype, const Shape& shape, const std::vector<float>& values);

/// What every scheme says: value(r, c) = scale(r, g) * (code(r, c) - zero(r, g)), g the group of c.
struct IntMatrix {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  int bits = 4;
  std::int64_t groups = 1;
  std::vector<int> group_of_column;  ///< [columns]
  std::vector<int> codes;            ///< [rows, columns], from 0 on
  std::vector<float> scales;         ///< [rows, groups]; fit F16 and BF16
  std::vector<int> zeros;            ///< [rows, groups]

  [[nodiscard]] int code(std::int64_t r, std::int64_t c) const { return codes[r * columns + c]; }
  [[nodiscard]] float scale(std::int64_t r, std::int64_t g) const { return scales[r * groups + g]; }
  [[nodiscard]] int zero(std::int64_t r, std::int64_t g) const { return zeros[r * groups + g]; }
  [[nodiscard]] std::vector<float> values() const;  ///< [rows, columns]
};

enum class Zeros { kMiddle, kAny };
enum class Order { kAscending, kShuffled };
/// Random codes. `group_size` -1: one group.
IntMatrix random_matrix(std::mt19937& random, std::int64_t rows, std::int64_t columns, int bits,
                        std::int64_t group_size, Zeros zeros, Order order = Order::kAscending);

/// The tensors of `module` under each scheme; scales in `scales`.
std::vector<OwnedTensor> awq_tensors(const std::string& module, const IntMatrix& m);
enum class GptqFormat { kOne, kTwo };
std::vector<OwnedTensor> gptq_tensors(const std::string& module, const IntMatrix& m, GptqFormat format);
std::vector<OwnedTensor> packed_tensors(const std::string& module, const IntMatrix& m, Zeros zeros, Order order);
std::vector<OwnedTensor> int8_tensors(const std::string& module, const IntMatrix& m, DType scales);

/// FP8 with scales for blocks of block_rows x block_columns.
struct Fp8Matrix {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t block_rows = 0;
  std::int64_t block_columns = 0;
  std::vector<std::uint8_t> bits;  ///< [rows, columns]
  std::vector<float> scales;       ///< [ceil(rows / block_rows), ceil(columns / block_columns)]
  [[nodiscard]] std::vector<float> values() const;
};
Fp8Matrix random_fp8(std::mt19937& random, std::int64_t rows, std::int64_t columns, std::int64_t block_rows,
                     std::int64_t block_columns);
/// `scale_name` "weight_scale" or "weight_scale_inv", in the shape `scale_shape`.
std::vector<OwnedTensor> fp8_tensors(const std::string& module, const Fp8Matrix& m, const std::string& scale_name,
                                     const Shape& scale_shape, DType scales);

bool write_tensors(const std::filesystem::path& path, const std::vector<OwnedTensor>& tensors);

/// Every form in which a whole tiny model can be written.
struct QuantizedForm {
  const char* name;
  std::string config;            ///< quantization_config, JSON
  std::int64_t group_size = 16;  ///< where it has groups
  TinyModel model;
};
const std::vector<QuantizedForm>& quantized_forms();
/// A form with groups of 32, 64 or 128 columns, and a model all of whose columns are a multiple of that.
QuantizedForm packable_form(std::string_view name, std::int64_t group_size);

/// Two folders of one tiny model: `quantized` in the form, and `plain` with the F32 weights that it means.
bool write_quantized_model(const std::filesystem::path& quantized, const std::filesystem::path& plain,
                           const QuantizedForm& form);

}  // namespace retort::testing
