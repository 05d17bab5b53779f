#include "core/dtype.h"

#include <array>

namespace retort {
namespace {

constexpr std::array<DTypeInfo, kDTypeCount> kInfos = {{
    {DType::kF32, "F32", 1, 4},         {DType::kF16, "F16", 1, 2},           {DType::kBF16, "BF16", 1, 2},
    {DType::kF8E4M3, "F8_E4M3", 1, 1},  {DType::kF64, "F64", 1, 8},           {DType::kI8, "I8", 1, 1},
    {DType::kI16, "I16", 1, 2},         {DType::kI32, "I32", 1, 4},           {DType::kI64, "I64", 1, 8},
    {DType::kU8, "U8", 1, 1},           {DType::kBool, "BOOL", 1, 1},         {DType::kQ4_0, "Q4_0", 32, 18},
    {DType::kQ4_1, "Q4_1", 32, 20},     {DType::kQ5_0, "Q5_0", 32, 22},       {DType::kQ5_1, "Q5_1", 32, 24},
    {DType::kQ8_0, "Q8_0", 32, 34},     {DType::kQ2_K, "Q2_K", 256, 84},      {DType::kQ3_K, "Q3_K", 256, 110},
    {DType::kQ4_K, "Q4_K", 256, 144},   {DType::kQ5_K, "Q5_K", 256, 176},     {DType::kQ6_K, "Q6_K", 256, 210},
    {DType::kIQ4_NL, "IQ4_NL", 32, 18}, {DType::kIQ4_XS, "IQ4_XS", 256, 136},
}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kInfos.size(); ++i) {
    if (static_cast<std::size_t>(kInfos[i].dtype) != i) return false;
  }
  return true;
}
static_assert(in_order(), "the table is indexed by DType");

}  // namespace

const DTypeInfo& dtype_info(DType dtype) { return kInfos[static_cast<std::size_t>(dtype)]; }

std::optional<DType> dtype_from_name(std::string_view name) {
  for (const DTypeInfo& info : kInfos) {
    if (info.name == name) return info.dtype;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> row_bytes(DType dtype, std::uint64_t elements) {
  const DTypeInfo& info = dtype_info(dtype);
  if (elements % info.block_elements != 0) return std::nullopt;
  std::uint64_t bytes = 0;
  if (__builtin_mul_overflow(elements / info.block_elements, std::uint64_t{info.block_bytes}, &bytes)) {
    return std::nullopt;
  }
  return bytes;
}

}  // namespace retort
