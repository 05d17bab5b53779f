#include "io/memory_plan.h"

#include <algorithm>
#include <limits>
#include <map>

namespace retort {
namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

std::uint64_t add(std::uint64_t a, std::uint64_t b) { return a > kMost - b ? kMost : a + b; }

std::uint64_t multiply(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? kMost : product;
}

std::uint64_t element_bytes(KvCacheType type) {
  switch (type) {
    case KvCacheType::kF32:
      return 4;
    case KvCacheType::kBf16:
      return 2;
    case KvCacheType::kFp8E4m3:
    case KvCacheType::kInt8:
      return 1;
  }
  return 4;
}

// A key and a value of each key/value head.
std::uint64_t bytes_per_layer_and_position(const ModelConfig& config, KvCacheType type) {
  return 2 * element_bytes(type) * static_cast<std::uint64_t>(config.num_key_value_heads) *
         static_cast<std::uint64_t>(config.head_dim);
}

}  // namespace

WeightsPlan plan_weights(const Checkpoint& checkpoint) {
  WeightsPlan plan;
  std::map<DType, WeightsOfType> types;
  for (const auto& [name, view] : checkpoint.tensors()) {
    const auto parameters = static_cast<std::uint64_t>(view.shape.elements());
    WeightsOfType& type = types[view.dtype];
    type.dtype = view.dtype;
    ++type.tensors;
    type.parameters = add(type.parameters, parameters);
    type.bytes = add(type.bytes, view.bytes);
    ++plan.tensors;
    plan.parameters = add(plan.parameters, parameters);
    plan.bytes = add(plan.bytes, view.bytes);
  }
  for (const auto& [dtype, type] : types) plan.types.push_back(type);
  std::ranges::stable_sort(plan.types, std::ranges::greater(), &WeightsOfType::bytes);
  return plan;
}

std::uint64_t kv_bytes_per_token(const ModelConfig& config, KvCacheType type) {
  return multiply(bytes_per_layer_and_position(config, type), static_cast<std::uint64_t>(config.num_hidden_layers));
}

std::uint64_t kv_cache_bytes(const ModelConfig& config, KvCacheType type, std::int64_t positions) {
  std::uint64_t held = 0;  // positions, over all layers
  for (const std::int64_t window : config.layer_windows) {
    held = add(held, static_cast<std::uint64_t>(window > 0 ? std::min(window, positions) : positions));
  }
  return multiply(held, bytes_per_layer_and_position(config, type));
}

std::vector<std::int64_t> suggested_lengths(const ModelConfig& config) {
  constexpr std::size_t kRows = 5;
  constexpr std::int64_t kShortest = 1024;  // shorter ones take next to nothing
  std::vector<std::int64_t> lengths = {config.max_position_embeddings};
  while (lengths.size() < kRows && lengths.back() / 2 >= kShortest) lengths.push_back(lengths.back() / 2);
  std::ranges::reverse(lengths);
  return lengths;
}

LengthPlan plan_length(const ModelConfig& config, std::uint64_t weight_bytes, std::int64_t max_model_len) {
  LengthPlan plan;
  plan.max_model_len = max_model_len;
  for (std::size_t i = 0; i < kKvCacheTypes.size(); ++i) {
    plan.kv_bytes[i] = kv_cache_bytes(config, kKvCacheTypes[i], max_model_len);
    plan.total_bytes[i] = add(weight_bytes, plan.kv_bytes[i]);
  }
  return plan;
}

}  // namespace retort
