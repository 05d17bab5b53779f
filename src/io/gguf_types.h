// The numbers by which GGUF files name types of tensors and of metadata.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/dtype.h"

namespace retort {

enum class GgufValueType : std::uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU16 = 2,
  kI16 = 3,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12,
};

/// Bytes of one element of an array: exact for numbers, the least possible (the length) for strings; 0 for a type
/// that arrays cannot have here.
std::size_t gguf_min_element_bytes(GgufValueType type);

/// nullopt for a tensor type that retort does not read.
std::optional<DType> gguf_dtype(std::uint32_t type);
/// The inverse, for writers; nullopt for a dtype that GGUF has no number for.
std::optional<std::uint32_t> gguf_type_number(DType dtype);
/// "IQ2_XXS": the name of a tensor type, also of those that retort does not read; "" if unknown.
std::string_view gguf_type_name(std::uint32_t type);

}  // namespace retort
