#include "nn/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace retort {
namespace {

double base_frequency(double theta, std::int64_t i, std::int64_t head_dim) {
  return 1.0 / std::pow(theta, static_cast<double>(2 * i) / static_cast<double>(head_dim));
}

double yarn_mscale(double scale, double mscale) { return scale <= 1 ? 1.0 : 0.1 * mscale * std::log(scale) + 1.0; }

// Peng et al., YaRN (arXiv 2309.00071), as Hugging Face's _compute_yarn_parameters.
RopeFrequencies yarn(const ModelConfig& config) {
  const RopeScaling& scaling = config.rope_scaling;
  const std::int64_t half = config.head_dim / 2;
  const auto dim = static_cast<double>(config.head_dim);
  const double original =
      static_cast<double>(scaling.original_max_position_embeddings > 0 ? scaling.original_max_position_embeddings
                                                                       : config.max_position_embeddings);
  RopeFrequencies out;
  if (scaling.attention_factor) {
    out.attention_factor = *scaling.attention_factor;
  } else if (scaling.mscale.value_or(0) != 0 && scaling.mscale_all_dim.value_or(0) != 0) {
    out.attention_factor =
        yarn_mscale(scaling.factor, *scaling.mscale) / yarn_mscale(scaling.factor, *scaling.mscale_all_dim);
  } else {
    out.attention_factor = yarn_mscale(scaling.factor, 1.0);
  }
  // The dimension whose wavelength makes `rotations` turns over the original context.
  const auto correction_dim = [&](double rotations) {
    return dim * std::log(original / (rotations * 2 * std::numbers::pi)) / (2 * std::log(config.rope_theta));
  };
  double low = correction_dim(scaling.beta_fast);
  double high = correction_dim(scaling.beta_slow);
  if (scaling.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, dim - 1);
  if (low == high) high += 0.001;  // no division by zero
  out.inverse.resize(half);
  for (std::int64_t i = 0; i < half; ++i) {
    const double extrapolation = base_frequency(config.rope_theta, i, config.head_dim);
    const double interpolation = extrapolation / scaling.factor;
    const double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    out.inverse[i] = interpolation * ramp + extrapolation * (1 - ramp);
  }
  return out;
}

}  // namespace

RopeFrequencies rope_frequencies(const ModelConfig& config, std::int64_t sequence_length) {
  const RopeScaling& scaling = config.rope_scaling;
  if (scaling.kind == RopeScalingKind::kYarn) return yarn(config);
  double theta = config.rope_theta;
  double divisor = 1.0;
  if (scaling.kind == RopeScalingKind::kLinear) divisor = scaling.factor;
  if (scaling.kind == RopeScalingKind::kDynamic) {
    const double original =
        static_cast<double>(scaling.original_max_position_embeddings > 0 ? scaling.original_max_position_embeddings
                                                                         : config.max_position_embeddings);
    const double length = std::max(static_cast<double>(sequence_length), original);
    const double dim = static_cast<double>(config.head_dim);
    theta *= std::pow(scaling.factor * length / original - (scaling.factor - 1), dim / (dim - 2));
  }
  RopeFrequencies out;
  out.inverse.resize(config.head_dim / 2);
  for (std::int64_t i = 0; i < config.head_dim / 2; ++i) {
    out.inverse[i] = base_frequency(theta, i, config.head_dim) / divisor;
  }
  return out;
}

void rope_cos_sin(const RopeFrequencies& frequencies, std::int64_t position, float* cos, float* sin) {
  // Hugging Face multiplies an fp32 frequency by an fp32 position: the angle's rounding is part of what it computes.
  const auto factor = static_cast<float>(frequencies.attention_factor);
  for (std::size_t i = 0; i < frequencies.inverse.size(); ++i) {
    const float angle = static_cast<float>(position) * static_cast<float>(frequencies.inverse[i]);
    cos[i] = static_cast<float>(std::cos(static_cast<double>(angle))) * factor;
    sin[i] = static_cast<float>(std::sin(static_cast<double>(angle))) * factor;
  }
}

}  // namespace retort
