// Where the attention of a sequence's tokens lies: what dynamic windows are decided by.
#pragma once

#include <cstdint>
#include <span>

#include "io/model_config.h"
#include "kernels/kernels.h"
#include "nn/attention.h"

namespace retort {

/// Tells the windows of this step's sequences what the last token of each block sees (KvWindows::observe), in the order
/// of positions. Keys of all of the step's tokens are in the caches. q_TND as for attend(), which asks the windows
/// afterwards.
///
/// Scores are those of kernels/kv_block.h whatever the token's recipe, so masses have the same bits on every
/// instruction set. Costs one token's attention in 64.
void observe_attention(const KernelTable& kernels, const ModelConfig& config, std::int64_t layer,
                       std::span<const TokenPlace> places, const float* q_TND);

}  // namespace retort
