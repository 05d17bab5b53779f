// How much memory a checkpoint takes: its weights by type, and the KV cache of a sequence by length and cache type.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/kv_cache_type.h"
#include "io/checkpoint.h"

namespace retort {

/// All sums below stop at the largest uint64 instead of wrapping.

struct WeightsOfType {
  DType dtype = DType::kF32;
  std::uint64_t tensors = 0;  ///< each expert's matrices count on their own, also where GGUF stacks them
  std::uint64_t parameters = 0;
  std::uint64_t bytes = 0;
};

struct WeightsPlan {
  std::vector<WeightsOfType> types;  ///< the most bytes first
  std::uint64_t tensors = 0;
  std::uint64_t parameters = 0;  ///< tied embeddings count once
  std::uint64_t bytes = 0;
};
WeightsPlan plan_weights(const Checkpoint& checkpoint);

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
