#include "nn/dummy_weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <unistd.h>
#include <utility>

#include "core/float_bits.h"
#include "core/parallel.h"
#include "core/units.h"

namespace retort {
namespace {

// Random bits as a function of a starting point (SplitMix64, Steele et al. 2014).
class Bits {
 public:
  explicit Bits(std::uint64_t start) : state_(start) {}
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  float uniform() { return static_cast<float>(next() >> 40) * 0x1p-24f; }  // [0, 1)

 private:
  std::uint64_t state_;
};

std::uint64_t start_of(std::uint64_t seed, std::uint64_t tensor, std::uint64_t part) {
  return Bits(Bits(Bits(seed).next() + tensor).next() + part).next();
}

// One panel of P4 with `rows` real rows; those beyond are zeros. Codes are uniform over -8..7, whose root mean square
// is 4.64; the sign of a record's scales is random, which makes the mean of a row's weights zero.
void fill_panel(Bits bits, std::int64_t rows, std::int64_t columns, std::byte* out) {
  constexpr std::size_t kScales = kPanelRows * sizeof(std::uint16_t);
  const std::int64_t record_bytes = packed_info(PackedFormat::kP4).record_bytes;
  const float size = 1.0f / (4.64f * std::sqrt(static_cast<float>(columns)));
  for (std::int64_t group = 0; group < columns / kGroupColumns; ++group, out += record_bytes) {
    for (std::int64_t r = 0; r < kPanelRows; ++r) {
      const std::uint64_t random = bits.next();
      const float factor = 0.75f + 0.5f * static_cast<float>(random >> 40) * 0x1p-24f;
      const std::uint16_t d = r < rows ? float_to_f16(random % 2 == 0 ? size * factor : -size * factor) : 0;
      std::memcpy(out + r * static_cast<std::int64_t>(sizeof(d)), &d, sizeof(d));
    }
    for (std::int64_t at = static_cast<std::int64_t>(kScales); at < record_bytes; at += 8) {
      const std::uint64_t codes = bits.next();
      std::memcpy(out + at, &codes, sizeof(codes));
    }
    if (rows == kPanelRows) continue;
    for (std::int64_t line = 0; line < 4; ++line) {  // 64 bytes each: 4 of every row
      std::memset(out + kScales + 64 * line + 4 * rows, 0, static_cast<std::size_t>(4 * (kPanelRows - rows)));
    }
  }
}

class Maker {
 public:
  Maker(const ModelConfig& config, const KernelTable& kernels, std::uint64_t seed, ModelWeights& out)
      : config_(config), kernels_(kernels), seed_(seed), out_(out) {}

  Status make() {
    const std::int64_t hidden = config_.hidden_size;
    out_.final_norm = ones(hidden);
    for (std::int64_t i = 0; i < config_.num_hidden_layers; ++i) out_.layers.push_back(layer(i));
    out_.head = matrix(config_.vocab_size, hidden);
    Linear embedding = config_.tie_word_embeddings ? out_.head : matrix(config_.vocab_size, hidden);
    std::vector<NamedLinear> linears = large_linears(out_, config_);
    if (!config_.tie_word_embeddings) linears.push_back({"model.embed_tokens.weight", &embedding});
    RETORT_TRY_STATUS(fill(linears));
    for (LayerWeights& layer : out_.layers) {  // what is never packed
      if (!layer.moe) continue;
      fill_floats(layer.moe->router);
      if (layer.moe->shared) fill_floats(layer.moe->shared_gate);
    }
    if (config_.tie_word_embeddings) embedding = out_.head;
    out_.embedding = embedding.w;
    out_.packed_embedding = embedding.packed;
    out_.embedding_row = kernels_.dequantize[static_cast<std::size_t>(embedding.w.dtype)];
    return {};
  }

 private:
  static std::vector<float> ones(std::int64_t n) { return std::vector<float>(static_cast<std::size_t>(n), 1.0f); }

  // The shape, and the type that it will have.
  static Linear matrix(std::int64_t rows, std::int64_t columns) {
    Linear linear;
    const DType dtype = columns % kGroupColumns == 0 ? DType::kQ4_0 : DType::kF32;
    const Shape shape{rows, columns};
    linear.w = {dtype, shape, nullptr, tensor_bytes(dtype, shape).value_or(0)};
    return linear;
  }

  static MlpWeights mlp(std::int64_t hidden, std::int64_t inner) {
    return {.gate = matrix(inner, hidden), .up = matrix(inner, hidden), .down = matrix(hidden, inner)};
  }

  Linear biased(std::int64_t rows, std::int64_t columns) {
    Linear linear = matrix(rows, columns);
    if (!config_.attention_bias) return linear;
    Bits bits(start_of(seed_, next_tensor_++, 0));
    for (std::int64_t i = 0; i < rows; ++i) linear.bias.push_back((bits.uniform() - 0.5f) * 0.02f);
    return linear;
  }

  LayerWeights layer(std::int64_t index) {
    const std::int64_t hidden = config_.hidden_size;
    const std::int64_t query = config_.num_attention_heads * config_.head_dim;
    const std::int64_t key = config_.num_key_value_heads * config_.head_dim;
    LayerWeights out;
    out.attention_norm = ones(hidden);
    out.q = biased(query, hidden);
    out.k = biased(key, hidden);
    out.v = biased(key, hidden);
    out.o = matrix(hidden, query);
    if (config_.architecture == Architecture::kQwen3) {
      out.q_norm = ones(config_.head_dim);
      out.k_norm = ones(config_.head_dim);
    }
    out.mlp_norm = ones(hidden);
    if (!config_.is_moe_layer(index)) {
      out.mlp = mlp(hidden, config_.intermediate_size);
      return out;
    }
    const MoeConfig& moe = *config_.moe;
    out.moe.emplace();
    out.moe->router = matrix(moe.num_experts, hidden);
    for (std::int64_t e = 0; e < moe.num_experts; ++e)
      out.moe->experts.push_back(mlp(hidden, moe.moe_intermediate_size));
    if (moe.shared_expert_intermediate_size > 0) {
      out.moe->shared = mlp(hidden, moe.shared_expert_intermediate_size);
      out.moe->shared_gate = matrix(1, hidden);
    }
    return out;
  }

  Status fill(std::span<const NamedLinear> linears) {
    std::uint64_t total = 0;
    for (const auto& [name, linear] : linears) {
      const auto format = packed_format_of(*linear);
      total += format ? packed_bytes(*linear, *format) : linear->w.bytes;
    }
    const std::uint64_t machine =
        static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    if (total > machine) {
      return fail(ErrorCode::kExhausted, "dummy weights of these shapes take {} but this machine has {}",
                  format_bytes(total), format_bytes(machine));
    }
    RETORT_TRY(out_.packed, Pages::allocate(static_cast<std::size_t>(total)));
    std::byte* next = out_.packed.data();
    for (const auto& [name, linear] : linears) {
      if (!packed_format_of(*linear)) {
        fill_floats(*linear);
        continue;
      }
      fill_panels(*linear, next);
      next += packed_bytes(*linear, PackedFormat::kP4);  // whole records, each a multiple of 32 bytes
    }
    return {};
  }

  void fill_panels(Linear& linear, std::byte* out) {
    const std::int64_t bytes = panel_bytes(PackedFormat::kP4, linear.columns());
    const std::uint64_t tensor = next_tensor_++;
    parallel_for((linear.rows() + kPanelRows - 1) / kPanelRows, 1, [&](WorkRange range) {
      for (std::int64_t p = range.begin; p < range.end; ++p) {
        fill_panel(Bits(start_of(seed_, tensor, static_cast<std::uint64_t>(p))),
                   std::min(kPanelRows, linear.rows() - p * kPanelRows), linear.columns(), out + p * bytes);
      }
    });
    linear.packed = PackedWeight{PackedFormat::kP4, out};
  }

  void fill_floats(Linear& linear) {
    const std::int64_t columns = linear.columns();
    const auto elements = static_cast<std::size_t>(linear.w.shape.elements());
    out_.dequantized.push_back(std::make_unique_for_overwrite<float[]>(elements));
    float* values = out_.dequantized.back().get();
    const float size = std::sqrt(12.0f / static_cast<float>(columns));  // uniform over a width of 1 has variance 1/12
    const std::uint64_t tensor = next_tensor_++;
    parallel_for(linear.rows(), 1, [&](WorkRange range) {
      for (std::int64_t r = range.begin; r < range.end; ++r) {
        Bits bits(start_of(seed_, tensor, static_cast<std::uint64_t>(r)));
        for (std::int64_t c = 0; c < columns; ++c) values[r * columns + c] = (bits.uniform() - 0.5f) * size;
      }
    });
    linear.w = {DType::kF32, linear.w.shape, reinterpret_cast<const std::byte*>(values), elements * sizeof(float)};
    linear.matmul = kernels_.matmul[static_cast<std::size_t>(DType::kF32)];
  }

  const ModelConfig& config_;
  const KernelTable& kernels_;
  std::uint64_t seed_;
  ModelWeights& out_;
  std::uint64_t next_tensor_ = 0;
};

}  // namespace

Expected<ModelWeights> dummy_weights(const ModelConfig& config, const KernelTable& kernels, std::uint64_t seed) {
  ModelWeights weights;
  RETORT_TRY_STATUS(Maker(config, kernels, seed, weights).make());
  return weights;
}

}  // namespace retort
