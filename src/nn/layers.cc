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
  parallel_for(static_cast<std::int64_t>(places.size()), 8, [&](WorkRange range) {
    for (std::int64_t t = range.begin; t < range.end; ++t) {
      for (std::int64_t h = 0; h < heads; ++h) prepare(q_TND + (t * heads + h) * dim, layer.q_norm, t);
      const SequenceKv::Slot slot = places[t].kv->slot(layer_index, places[t].position);
      for (std::int64_t g = 0; g < kv_heads; ++g) {
        float* k = k_TGD + (t * kv_heads + g) * dim;
        const float* v = v_TGD + (t * kv_heads + g) * dim;
        prepare(k, layer.k_norm, t);
        std::copy_n(k, dim, slot.k + g * slot.head_stride);
        std::copy_n(v, dim, slot.v + g * slot.head_stride);
      }
    }
  });
}

void attend(const KernelTable& kernels, const ModelConfig& config, std::int64_t layer_index,
            std::span<const TokenPlace> places, const float* q_TND, float* out_TND) {
  const std::int64_t dim = config.head_dim;
  const std::int64_t heads = config.num_attention_heads;
  const std::int64_t kv_heads = config.num_key_value_heads;
  const std::int64_t group = heads / kv_heads;
  const std::int64_t window = config.layer_windows[layer_index];
  const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(dim)));
  // Late tokens of a prompt see more keys than early ones: small grains, dealt out in turn, so that neither thread is
  // left with the long half.
  const auto items = static_cast<std::int64_t>(places.size()) * kv_heads;
  const int threads = static_cast<int>(std::min<std::int64_t>(thread_count(), items));
  parallel_for(threads, 1, [&](WorkRange lanes) {
    std::vector<AttentionState> state(group);
    for (std::int64_t lane = lanes.begin; lane < lanes.end; ++lane) {
      for (std::int64_t item = lane; item < items; item += threads) {
        // Kv head by kv head, so that neighbouring items read the same keys.
        const std::int64_t g = item / static_cast<std::int64_t>(places.size());
        const std::int64_t t = item % static_cast<std::int64_t>(places.size());
        const std::int64_t end = places[t].position + 1;
        const std::int64_t begin = window > 0 ? std::max<std::int64_t>(0, end - window) : 0;
        float* out = out_TND + (t * heads + g * group) * dim;
        std::fill_n(out, group * dim, 0.0f);
        std::fill(state.begin(), state.end(), AttentionState{-std::numeric_limits<float>::infinity(), 0.0f});
        for (std::int64_t position = begin; position < end;) {
          const KvRun run = places[t].kv->run(layer_index, g, position, end);
          kernels.attention({.q = q_TND + (t * heads + g * group) * dim,
                             .k = run.k,
                             .v = run.v,
                             .out = out,
                             .state = state.data(),
                             .heads = group,
                             .head_dim = dim,
                             .positions = run.positions,
                             .kv_stride = run.stride,
                             .scale = scale});
          position += run.positions;
        }
        for (std::int64_t h = 0; h < group; ++h) {
          const float inverse = 1.0f / state[h].sum;
          for (std::int64_t d = 0; d < dim; ++d) out[h * dim + d] *= inverse;
        }
      }
    }
  });
}

void apply_mlp(const KernelTable& kernels, QuantizeScratch& quantized, const MlpWeights& mlp, const float* x_TH,
               float* out_TH, float* scratch, std::int64_t tokens) {
  const std::int64_t inner = mlp.gate.rows();
  float* gate_TI = scratch;
  float* up_TI = scratch + tokens * inner;
  const LinearOutput outputs[] = {{mlp.gate, gate_TI}, {mlp.up, up_TI}};
  apply_linears(kernels, quantized, x_TH, tokens, outputs);
  parallel_for(tokens, 1, [&](WorkRange range) {
    kernels.silu_mul(gate_TI + range.begin * inner, up_TI + range.begin * inner, (range.end - range.begin) * inner);
  });
  apply_linear(kernels, quantized, mlp.down, gate_TI, out_TH, tokens);
}

}  // namespace retort
