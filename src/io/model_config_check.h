// The checks that hold for a configuration wherever it came from.
#pragma once

#include "io/model_config.h"

namespace retort {

// Limits of single fields. They are far beyond any real model and keep every product below within 64 bits and every
// table that is sized by them affordable.
inline constexpr std::int64_t kMaxVocab = std::int64_t{1} << 24;
inline constexpr std::int64_t kMaxHidden = std::int64_t{1} << 20;
inline constexpr std::int64_t kMaxIntermediate = std::int64_t{1} << 22;
inline constexpr std::int64_t kMaxLayers = 4096;
inline constexpr std::int64_t kMaxHeads = 4096;
inline constexpr std::int64_t kMaxHeadDim = 4096;
inline constexpr std::int64_t kMaxPositions = std::int64_t{1} << 31;
inline constexpr std::int64_t kMaxExperts = 4096;
/// Experts times layers: each is three tensors in a table.
inline constexpr std::int64_t kMaxExpertsInAll = std::int64_t{1} << 18;

/// Every field in its range, and all of them consistent with each other. The error names the field as config.json
/// does. `layer_windows` must have been filled.
Status check_model_config(const ModelConfig& config);

/// kUnsupported for an activation other than SiLU; "silu" and "swish" are the same.
Status check_activation(std::string_view name);

}  // namespace retort
