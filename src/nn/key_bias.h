// What 8-bit caches make of a layer's key biases, so that their scales are left to what tells keys apart.
//
// Qwen's biases are up to 350 in a few pairs of dimensions, where keys otherwise are below 10, and one scale serves all
// dimensions of a key. Two things, both exact:
//
//   offset    Pairs that RoPE turns slowly have nearly the same bias for a whole block: it is taken out
//             (kernels/kv_block.h). Rounded is the rest.
//   balance   For int8: what is left large, of pairs that turn fast or drift within a block, is divided by a power of two, and
//             the query's dimension multiplied by it: the same products, bit for bit, but for rounding to 8 bits. Both
//             dimensions of a pair have the same one, so it goes with the rotation.
//
// Rounding to integers has an error of s * c_d * q_d in dimension d, where c_d is its balance and s the largest
// |k_d| / c_d, over 254: with c_d near the typical |k_d| no dimension pays for another's magnitude.
#pragma once

#include <span>
#include <vector>

#include "io/model_config.h"

namespace retort {

/// Immutable. Both empty where keys have no bias, or are normed after it.
struct KeyBias {
  std::vector<float> offset;   ///< [kv_heads * head_dim] the bias of slow dimensions, not turned, not balanced; else 0
  std::vector<float> balance;  ///< [kv_heads * head_dim] powers of two, 1 to 2^16

  [[nodiscard]] bool empty() const { return offset.empty(); }
};

/// `bias` [kv_heads * head_dim] of k_proj, or empty. Whatever is in it, the balance is finite.
KeyBias key_bias(const ModelConfig& config, std::span<const float> bias);

}  // namespace retort
