// Attention of a step's tokens over what their sequences have cached.
#pragma once

#include <cstdint>
#include <span>

#include "io/model_config.h"
#include "kernels/kernels.h"
#include "nn/kv_cache.h"
#include "nn/linear.h"

namespace retort {

/// Where a token of this step stands.
struct TokenPlace {
  SequenceKv* kv;         ///< its sequence's cache
  std::int64_t position;  ///< in its sequence
};

/// out_TND = softmax(q k^T / sqrt(D)) v over what the caches hold up to each token's own position, within the layer's
/// window by the configuration, or what the sequence's windows let it see; these are told what the tokens saw. A
/// sequence's tokens stand together in `places`, in the order of their positions.
///
/// Positions are taken in splits of 1,024, each added up block by block from nothing, and the splits' sums merged from
/// the first to the last: so splits may run on different threads, and the bits depend on the token alone. Where the
/// processor has tiles, tokens go through these instead, if tiles_attend() says so of the layer's layout and their
/// recipe.
void attend(const KernelTable& kernels, const ModelConfig& config, std::int64_t layer_index,
            std::span<const TokenPlace> places, StepTokens tokens, const float* q_TND, float* out_TND);

}  // namespace retort
