// The blocks that the network is built of. Shapes: T tokens of this step, H hidden size, N query heads, G key/value
// heads, D head dim, I intermediate size. All activations fp32, row-major.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "io/model_config.h"
#include "kernels/kernels.h"
#include "nn/attention.h"
#include "nn/weights.h"

namespace retort {

/// y_TH = RMSNorm(x_TH) * weight_H
void apply_norm(const KernelTable& kernels, std::span<const float> weight_H, double eps, const float* x_TH, float* y_TH,
                std::int64_t tokens);

/// Norms (Qwen3) and rotates q and k, balances them for 8-bit caches (nn/key_bias.h), then stores k and v in the
/// caches. cos/sin [T, D/2].
void rotate_and_store(const KernelTable& kernels, const ModelConfig& config, const LayerWeights& layer,
                      std::int64_t layer_index, std::span<const TokenPlace> places, const float* cos, const float* sin,
                      float* q_TND, float* k_TGD, const float* v_TGD);

/// Whether someone looks at down's input, which tiles need not make in fp32. The bits of the result are the same.
enum class DownInput : std::uint8_t { kNotWanted, kWanted };
/// out_TH = the MLP of x_TH. `scratch` holds 2 * T * I floats; afterwards the first half of it is down's input [T, I],
/// where that is wanted.
void apply_mlp(const KernelTable& kernels, QuantizeScratch& quantized, const MlpWeights& mlp, const float* x_TH,
               float* out_TH, float* scratch, StepTokens tokens, DownInput wanted = DownInput::kNotWanted);

/// out_TH = sum over the top-k experts + gated shared expert. See moe.cc. `on_router` may be empty.
void apply_moe(const KernelTable& kernels, QuantizeScratch& quantized, const MoeConfig& config, const MoeWeights& moe,
               const float* x_TH, float* out_TH, StepTokens tokens,
               const std::function<void(std::span<const float>)>& on_router);

}  // namespace retort
