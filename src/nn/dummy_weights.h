// Weights that mean nothing, of a real model's shapes, to measure speed and memory with: no file of weights is needed.
#pragma once

#include <cstdint>

#include "core/error.h"
#include "io/model_config.h"
#include "kernels/kernels.h"
#include "nn/weights.h"

namespace retort {

/// Matrices are random with a variance of 1 / columns, so that activations keep their size: in P4 (4.5 bits) where 32
/// divides their columns, else, and for routers, in F32. Norms are 1, biases within 0.01. The embedding has panels of
/// its own unless it is tied to the head. A function of (configuration, seed) alone, whatever the number of threads.
/// kExhausted, with both numbers, if the weights are larger than the machine's memory.
Expected<ModelWeights> dummy_weights(const ModelConfig& config, const KernelTable& kernels, std::uint64_t seed);

}  // namespace retort
