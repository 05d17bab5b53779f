// Integers of a file that lie several to a 32-bit word, unaligned as the file has them.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "core/tensor.h"

namespace retort {

/// Element i of a tensor of T.
template <typename T>
T element(const TensorView& view, std::int64_t i) {
  T value;
  std::memcpy(&value, view.data + i * static_cast<std::int64_t>(sizeof value), sizeof value);
  return value;
}

/// AWQ packs rows 8j..8j+7 into a word in the order 0 2 4 6 1 3 5 7: where row 8j + i is found.
inline constexpr std::array<int, 8> kAwqNibble = {0, 4, 1, 5, 2, 6, 3, 7};

/// The code of `bits` bits at a position of a word; position 0 are the lowest bits.
inline std::uint8_t code_in(std::uint32_t word, std::int64_t position, int bits) {
  return static_cast<std::uint8_t>((word >> (position * bits)) & ((1U << bits) - 1));
}

}  // namespace retort
