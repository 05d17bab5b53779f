// Rotary position embedding: the frequencies of one head, after whatever scaling the configuration asks for.
#pragma once

#include <cstdint>
#include <vector>

#include "io/model_config.h"

namespace retort {

/// Formulas: Hugging Face modeling_rope_utils. linear: frequencies / factor. dynamic: theta grows once the sequence is
/// longer than max_position_embeddings (NTK). yarn: per-dimension blend of interpolation and extrapolation, and an
/// attention factor on cos and sin.
struct RopeFrequencies {
  std::vector<double> inverse;    ///< [head_dim / 2], radians per position
  double attention_factor = 1.0;  ///< multiplies cos and sin
};

/// `sequence_length`: of the whole sequence so far; only "dynamic" looks at it.
RopeFrequencies rope_frequencies(const ModelConfig& config, std::int64_t sequence_length);

/// cos and sin of one position into [head_dim / 2] each, angles in fp32 as Hugging Face computes them.
void rope_cos_sin(const RopeFrequencies& frequencies, std::int64_t position, float* cos, float* sin);

}  // namespace retort
