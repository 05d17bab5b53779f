#include "io/memory_plan.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "io/quantized_tensors.h"
#include "io/tensor_names.h"

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

// A key and a value of each key/value head; beside 8 bits, an fp32 scale of each.
std::uint64_t bytes_per_layer_and_position(const ModelConfig& config, KvCacheType type) {
  const std::uint64_t scale = element_bytes(type) == 1 ? 4 : 0;
  return 2 * static_cast<std::uint64_t>(config.num_key_value_heads) *
         (element_bytes(type) * static_cast<std::uint64_t>(config.head_dim) + scale);
}

// Whether integers are packed from their codes (nn/packing.h) and not expanded.
bool is_packed(const WeightScheme& scheme, const Shape& shape) {
  constexpr std::int64_t kColumns = 32;
  if (scheme.layout == WeightLayout::kFp8 || scheme.activation_order || shape[1] % kColumns != 0) return false;
  return scheme.scale != ScaleBlock::kGroup || scheme.group_size % kColumns == 0;
}

}  // namespace

WeightsPlan plan_weights(const Checkpoint& checkpoint) {
  std::map<std::pair<std::string, DType>, WeightsOfType> types;
  std::set<std::string, std::less<>> counted;  // the tensors of quantized Linears
  std::uint64_t loaded = 0;
  const auto count = [&](const std::string& quantization, DType dtype, std::uint64_t parameters, std::uint64_t bytes) {
    WeightsOfType& type = types[{quantization, dtype}];
    type.dtype = dtype;
    type.quantization = quantization;
    ++type.tensors;
    type.parameters = add(type.parameters, parameters);
    type.bytes = add(type.bytes, bytes);
  };
  // Names that are not there end nothing: the plan is for incomplete files too.
  const auto quantized = [&](const std::string& name, const Shape& shape, TensorRole role) -> Status {
    const auto module = linear_of(name, role);
    if (!module) return {};
    // Most modules of a hostile configuration are not in the file, and asking for a scheme costs more than looking.
    const std::string prefix = fmt::format("{}.", *module);
    const auto first = checkpoint.tensors().lower_bound(prefix);
    if (first == checkpoint.tensors().end() || !first->first.starts_with(prefix)) return {};
    const WeightScheme* scheme = checkpoint.scheme_of(*module);
    if (!scheme) return {};
    std::uint64_t bytes = 0;
    std::optional<DType> codes;
    for_each_stored_tensor(checkpoint, *module, *scheme, [&](const std::string& stored, const TensorView& view) {
      if (!codes) codes = view.dtype;  // the first is the one with the codes
      bytes = add(bytes, view.bytes);
      counted.insert(stored);
    });
    if (!codes) return {};
    const auto elements = static_cast<std::uint64_t>(shape.elements());
    count(to_string(*scheme), *codes, elements, bytes);
    loaded = add(loaded, is_packed(*scheme, shape) ? bytes : multiply(elements, sizeof(float)));
    return {};
  };
  if (checkpoint.config().quantization) static_cast<void>(for_each_tensor(checkpoint.config(), quantized));
  for (const auto& [name, view] : checkpoint.tensors()) {
    if (counted.contains(name)) continue;
    count("", view.dtype, static_cast<std::uint64_t>(view.shape.elements()), view.bytes);
    loaded = add(loaded, view.bytes);
  }
  WeightsPlan plan;
  plan.loaded_bytes = loaded;
  for (const auto& [key, type] : types) {
    plan.tensors = add(plan.tensors, type.tensors);
    plan.parameters = add(plan.parameters, type.parameters);
    plan.bytes = add(plan.bytes, type.bytes);
    plan.types.push_back(type);
  }
  std::ranges::stable_sort(plan.types, std::ranges::greater(), &WeightsOfType::bytes);
  return plan;
}

std::uint64_t count_parameters(const ModelConfig& config) {
  std::uint64_t parameters = 0;
  const auto count = [&](const std::string&, const Shape& shape, TensorRole) -> Status {
    parameters = add(parameters, static_cast<std::uint64_t>(shape.elements()));
    return {};
  };
  static_cast<void>(for_each_tensor(config, count));
  return parameters;
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
