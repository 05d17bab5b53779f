// Element types of tensors: plain numbers and the block-quantized types of GGUF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace retort {

/// The block types keep `block_elements` consecutive elements of a row in `block_bytes` bytes. Their layouts are
/// drawn in kernels/blocks.h.
enum class DType : std::uint8_t {
  kF32,
  kF16,
  kBF16,
  kF8E4M3,  ///< OCP fp8: 4 exponent bits, bias 7, no infinities, NaN is S.1111.111 (torch.float8_e4m3fn)
  kF64,
  kI8,
  kI16,
  kI32,
  kI64,
  kU8,
  kBool,
  kQ4_0,
  kQ4_1,
  kQ5_0,
  kQ5_1,
  kQ8_0,
  kQ2_K,
  kQ3_K,
  kQ4_K,
  kQ5_K,
  kQ6_K,
  kIQ4_NL,
  kIQ4_XS,
};
inline constexpr std::size_t kDTypeCount = 23;

/// [elements, bytes] of one block; 1 element for plain numbers.
struct DTypeInfo {
  DType dtype;
  std::string_view name;  ///< "F32", "Q4_K": as safetensors and GGUF spell them; fp8 is "F8_E4M3"
  std::uint32_t block_elements;
  std::uint32_t block_bytes;
};

const DTypeInfo& dtype_info(DType dtype);
inline std::string_view to_string(DType dtype) { return dtype_info(dtype).name; }
std::optional<DType> dtype_from_name(std::string_view name);

/// True for the types made of blocks of more than one element.
inline bool is_block_quantized(DType dtype) { return dtype_info(dtype).block_elements > 1; }

/// Bytes of a row of `elements`, or nullopt where they do not fill whole blocks or the product overflows.
std::optional<std::uint64_t> row_bytes(DType dtype, std::uint64_t elements);

}  // namespace retort
