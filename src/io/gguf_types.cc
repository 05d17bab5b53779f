#include "io/gguf_types.h"

#include <array>

namespace retort {
namespace {

struct TypeEntry {
  std::uint32_t number;
  std::string_view name;
  std::optional<DType> dtype;
};

// Numbers that are not here (4, 5, 36 to 38) are of types that the format has dropped.
constexpr std::array<TypeEntry, 36> kTypes = {{
    {0, "F32", DType::kF32},        {1, "F16", DType::kF16},        {2, "Q4_0", DType::kQ4_0},
    {3, "Q4_1", DType::kQ4_1},      {6, "Q5_0", DType::kQ5_0},      {7, "Q5_1", DType::kQ5_1},
    {8, "Q8_0", DType::kQ8_0},      {9, "Q8_1", std::nullopt},      {10, "Q2_K", DType::kQ2_K},
    {11, "Q3_K", DType::kQ3_K},     {12, "Q4_K", DType::kQ4_K},     {13, "Q5_K", DType::kQ5_K},
    {14, "Q6_K", DType::kQ6_K},     {15, "Q8_K", std::nullopt},     {16, "IQ2_XXS", std::nullopt},
    {17, "IQ2_XS", std::nullopt},   {18, "IQ3_XXS", std::nullopt},  {19, "IQ1_S", std::nullopt},
    {20, "IQ4_NL", DType::kIQ4_NL}, {21, "IQ3_S", std::nullopt},    {22, "IQ2_S", std::nullopt},
    {23, "IQ4_XS", DType::kIQ4_XS}, {24, "I8", DType::kI8},         {25, "I16", DType::kI16},
    {26, "I32", DType::kI32},       {27, "I64", DType::kI64},       {28, "F64", DType::kF64},
    {29, "IQ1_M", std::nullopt},    {30, "BF16", DType::kBF16},     {31, "Q4_0_4_4", std::nullopt},
    {32, "Q4_0_4_8", std::nullopt}, {33, "Q4_0_8_8", std::nullopt}, {34, "TQ1_0", std::nullopt},
    {35, "TQ2_0", std::nullopt},    {39, "MXFP4", std::nullopt},    {40, "NVFP4", std::nullopt},
}};

const TypeEntry* find_type(std::uint32_t number) {
  for (const TypeEntry& entry : kTypes) {
    if (entry.number == number) return &entry;
  }
  return nullptr;
}

}  // namespace

std::size_t gguf_min_element_bytes(GgufValueType type) {
  switch (type) {
    case GgufValueType::kU8:
    case GgufValueType::kI8:
    case GgufValueType::kBool:
      return 1;
    case GgufValueType::kU16:
    case GgufValueType::kI16:
      return 2;
    case GgufValueType::kU32:
    case GgufValueType::kI32:
    case GgufValueType::kF32:
      return 4;
    case GgufValueType::kU64:
    case GgufValueType::kI64:
    case GgufValueType::kF64:
    case GgufValueType::kString:
      return 8;
    case GgufValueType::kArray:
      return 0;
  }
  return 0;
}

std::optional<DType> gguf_dtype(std::uint32_t type) {
  const TypeEntry* entry = find_type(type);
  return entry ? entry->dtype : std::nullopt;
}

std::optional<std::uint32_t> gguf_type_number(DType dtype) {
  for (const TypeEntry& entry : kTypes) {
    if (entry.dtype == dtype) return entry.number;
  }
  return std::nullopt;
}

std::string_view gguf_type_name(std::uint32_t type) {
  const TypeEntry* entry = find_type(type);
  return entry ? entry->name : std::string_view();
}

}  // namespace retort
