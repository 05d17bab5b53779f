// What a forward pass computes with.
#pragma once

#include <cstdint>

namespace retort {

enum class Quality : std::uint8_t {
  kExact,  ///< fp32 activations, weights as the file has them: the oracle
  kFast,   ///< integers of 8 or 12 bits, or bf16 tiles, where a weight has a packed format (docs/engine.md)
};

}  // namespace retort
