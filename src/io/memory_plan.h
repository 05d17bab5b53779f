// How much memory a checkpoint takes: its weights by type, and the KV cache of a sequence by length and cache type.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/kv_cache_type.h"
#include "io/checkpoint.h"

namespace retort {

/// All sums below stop at the largest uint64 instead of wrapping.

struct WeightsOfType {
  DType dtype = DType::kF32;  ///< of the codes, where the weights are quantized
  std::string quantization;   ///< "int4 g128": the scheme's name; "" for tensors that are used as they are
  /// Each expert's matrices count on their own, also where GGUF stacks them; a quantized matrix counts once.
  std::uint64_t tensors = 0;
  std::uint64_t parameters = 0;  ///< weights of the network; scales, zeros and indices are none
  std::uint64_t bytes = 0;       ///< scales, zeros and indices included
};

struct WeightsPlan {
  std::vector<WeightsOfType> types;  ///< the most bytes first
  std::uint64_t tensors = 0;
  std::uint64_t parameters = 0;  ///< tied embeddings count once
  std::uint64_t bytes = 0;       ///< in the file
  /// When loaded with the quality fast. Quantized weights (`quantization` above) whose groups are whole 32 columns in
  /// order are packed, and count as in the file: with groups of 32 or 64 they take up to a fifth more. The other
  /// quantized ones become fp32, and the rest is mapped.
  std::uint64_t loaded_bytes = 0;
};
WeightsPlan plan_weights(const Checkpoint& checkpoint);

/// Weights of the network that a configuration describes, whatever a file has.
std::uint64_t count_parameters(const ModelConfig& config);

/// Bytes that one more position takes in all layers, as long as no window is full.
std::uint64_t kv_bytes_per_token(const ModelConfig& config, KvCacheType type);

/// Bytes of the KV cache of one sequence of `positions`. A sliding layer never needs more than its window.
std::uint64_t kv_cache_bytes(const ModelConfig& config, KvCacheType type, std::int64_t positions);

/// Lengths worth telling, ascending: the model's maximum and a few halvings of it.
std::vector<std::int64_t> suggested_lengths(const ModelConfig& config);

struct LengthPlan {
  std::int64_t max_model_len = 0;
  std::array<std::uint64_t, kKvCacheTypes.size()> kv_bytes{};     ///< of one sequence of that length
  std::array<std::uint64_t, kKvCacheTypes.size()> total_bytes{};  ///< with the weights
};
LengthPlan plan_length(const ModelConfig& config, std::uint64_t weight_bytes, std::int64_t max_model_len);

}  // namespace retort
