#include "nn/layers.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/parallel.h"

namespace retort {
void apply_norm(const KernelTable& kernels, std::span<const float> weight_H, double eps, const float* x_TH, float* y_TH,
                std::int64_t tokens) {
  const auto hidden = static_cast<std::int64_t>(weight_H.size());
  parallel_for(tokens, 8, [&](WorkRange range) {
    for (std::int64_t t = range.begin; t < range.end; ++t) {
      kernels.rms_norm(x_TH + t * hidden, weight_H.data(), y_TH + t * hidden, hidden, static_cast<float>(eps));
    }
  });
}

namespace {

// fp8 rounds each dimension in proportion to itself: no other one's magnitude is in the way.
bool wants_balance(const KvBlockLayout& layout, const KeyBias& bias) {
  return layout.type == KvCacheType::kInt8 && !bias.empty();
}

// Blocks that begin with one of these tokens get their offset (nn/key_bias.h): turned for their first position.
void start_blocks(const KernelTable& kernels, const ModelConfig& config, const LayerWeights& layer,
                  std::int64_t layer_index, std::span<const TokenPlace> places, const float* cos, const float* sin) {
  const std::int64_t dim = config.head_dim;
  for (std::size_t t = 0; t < places.size(); ++t) {
    const SequenceKv& kv = *places[t].kv;
    const KvBlockLayout& layout = kv.layouts().layer(layer_index);
    if (places[t].position % kKvBlockPositions != 0 || layout.k_offset == 0) continue;
    std::byte* block = kv.block(layer_index, places[t].position / kKvBlockPositions);
    const auto at = static_cast<std::int64_t>(t) * (dim / 2);
    for (std::int64_t g = 0; g < config.num_key_value_heads; ++g) {
      std::vector<float> offset(dim, 0.0f);
      if (!layer.key_bias.empty()) {
        std::copy_n(layer.key_bias.offset.begin() + g * dim, dim, offset.begin());
        kernels.rope(offset.data(), cos + at, sin + at, dim);
      }
      if (wants_balance(layout, layer.key_bias)) {
        for (std::int64_t d = 0; d < dim; ++d) offset[d] /= layer.key_bias.balance[g * dim + d];
      }
      store_kv_offset(layout, block + g * layout.head_bytes, offset.data());
    }
  }
}

// One token's queries and keys (nn/key_bias.h). What is divided by is a power of two.
void balance(const ModelConfig& config, const KeyBias& bias, float* q_ND, float* k_GD) {
  const std::int64_t dim = config.head_dim;
  const std::int64_t group = config.num_attention_heads / config.num_key_value_heads;
  for (std::int64_t h = 0; h < config.num_attention_heads; ++h) {
    const float* by = bias.balance.data() + h / group * dim;
    for (std::int64_t d = 0; d < dim; ++d) q_ND[h * dim + d] *= by[d];
  }
  for (std::int64_t i = 0; i < config.num_key_value_heads * dim; ++i) k_GD[i] /= bias.balance[i];
}

}  // namespace

void rotate_and_store(const KernelTable& kernels, const ModelConfig& config, const LayerWeights& layer,
                      std::int64_t layer_index, std::span<const TokenPlace> places, const float* cos, const float* sin,
                      float* q_TND, float* k_TGD, const float* v_TGD) {
  const std::int64_t dim = config.head_dim;
  const std::int64_t heads = config.num_attention_heads;
  const std::int64_t kv_heads = config.num_key_value_heads;
  const auto eps = static_cast<float>(config.rms_norm_eps);
  const auto prepare = [&](float* head, const std::vector<float>& norm, std::int64_t t) {
    if (!norm.empty()) kernels.rms_norm(head, norm.data(), head, dim, eps);
    kernels.rope(head, cos + t * (dim / 2), sin + t * (dim / 2), dim);
  };
  start_blocks(kernels, config, layer, layer_index, places, cos, sin);
  parallel_for(static_cast<std::int64_t>(places.size()), 8, [&](WorkRange range) {
    for (std::int64_t t = range.begin; t < range.end; ++t) {
      for (std::int64_t h = 0; h < heads; ++h) prepare(q_TND + (t * heads + h) * dim, layer.q_norm, t);
      const SequenceKv& kv = *places[t].kv;
      const KvBlockLayout& layout = kv.layouts().layer(layer_index);
      std::byte* block = kv.block(layer_index, places[t].position / kKvBlockPositions);
      for (std::int64_t g = 0; g < kv_heads; ++g) prepare(k_TGD + (t * kv_heads + g) * dim, layer.k_norm, t);
      if (wants_balance(layout, layer.key_bias)) {
        balance(config, layer.key_bias, q_TND + t * heads * dim, k_TGD + t * kv_heads * dim);
      }
      for (std::int64_t g = 0; g < kv_heads; ++g) {
        const float* k = k_TGD + (t * kv_heads + g) * dim;
        const float* v = v_TGD + (t * kv_heads + g) * dim;
        store_kv(layout, block + g * layout.head_bytes, places[t].position % kKvBlockPositions, k, v);
      }
    }
  });
}

void apply_mlp(const KernelTable& kernels, QuantizeScratch& quantized, const MlpWeights& mlp, const float* x_TH,
               float* out_TH, float* scratch, StepTokens tokens, DownInput wanted) {
  const std::int64_t inner = mlp.gate.rows();
  float* gate_TI = scratch;
  float* up_TI = scratch + tokens.count * inner;
  const LinearOutput outputs[] = {{mlp.gate, gate_TI}, {mlp.up, up_TI}};
  const auto silu_mul = [&](std::int64_t count) {
    parallel_for(count, 1, [&](WorkRange range) {
      kernels.silu_mul(gate_TI + range.begin * inner, up_TI + range.begin * inner, (range.end - range.begin) * inner);
    });
  };
  if (tokens.prompts() > 0 && wanted == DownInput::kNotWanted && can_gate(kernels, mlp.gate, mlp.up, mlp.down)) {
    const TiledRows prompts = apply_gated(kernels, quantized, x_TH, tokens, outputs[0], outputs[1]);
    silu_mul(tokens.prompt_from);
    apply_down(kernels, quantized, mlp.down, gate_TI, prompts, out_TH, tokens);
    return;
  }
  apply_linears(kernels, quantized, x_TH, tokens, outputs);
  silu_mul(tokens.count);
  apply_linear(kernels, quantized, mlp.down, gate_TI, out_TH, tokens);
}

}  // namespace retort
