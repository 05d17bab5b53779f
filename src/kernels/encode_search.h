// What the encoders of block types have in common: rounding, and sums that the compiler turns into vector code.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "core/float_bits.h"

namespace retort::encode {

/// Round to nearest, ties to even, for |x| below 2^22: adding 1.5 * 2^23 leaves no bits behind the point.
inline float nearest(float x) { return (x + 12582912.0f) - 12582912.0f; }

/// Largest finite half; a scale beyond it is that.
inline constexpr float kLargestHalf = 65504.0f;

struct Half {
  std::uint16_t bits;
  float value;
};
inline Half to_half(float x) {
  const std::uint16_t bits = float_to_f16(std::clamp(x, -kLargestHalf, kLargestHalf));
  return {bits, f16_to_float(bits)};
}

/// 1 / x, or 0 for 0 (and for what is so small that 1 / x overflows).
inline float inverse(float x) {
  const float result = x == 0 ? 0.0f : 1.0f / x;
  return std::isfinite(result) ? result : 0.0f;
}

/// Independent partial sums, added up in a fixed order: the same bits whatever vectors the compiler makes of it.
inline constexpr int kLanes = 8;
struct Sum {
  float lane[kLanes] = {};
  [[nodiscard]] float total() const {
    return ((lane[0] + lane[4]) + (lane[1] + lane[5])) + ((lane[2] + lane[6]) + (lane[3] + lane[7]));
  }
};

/// The scale s of x ~ s * q, q whole from -levels to levels - 1, for n (a multiple of kLanes) values, with the smallest
/// weighted error that the search finds. 0 where all x are.
template <int n>
float symmetric_scale(const float* x, const float* weight, int levels) {
  float extreme = 0;
  for (int i = 0; i < n; ++i) {
    if (std::abs(x[i]) > std::abs(extreme)) extreme = x[i];
  }
  const auto top = static_cast<float>(levels);
  if (inverse(extreme) == 0) return 0;
  float best_scale = -extreme / top;
  float best_gain = 0;
  // The extreme value goes to -levels, the end of the range that has one level more, or somewhat beside it.
  constexpr int kSteps = 12;
  for (int step = -kSteps; step <= kSteps; ++step) {
    const float inverse_scale = -(top + 0.1f * static_cast<float>(step)) / extreme;
    Sum xq;
    Sum qq;
    for (int i = 0; i < n; i += kLanes) {
      for (int j = 0; j < kLanes; ++j) {
        const float q = std::min(std::max(nearest(x[i + j] * inverse_scale), -top), top - 1);
        const float wq = weight[i + j] * q;
        xq.lane[j] += wq * x[i + j];
        qq.lane[j] += wq * q;
      }
    }
    // With the best scale for these q, xq / qq, the error is sum(w x^2) - xq^2 / qq.
    const float product = xq.total();
    const float square = qq.total();
    if (!(square > 0) || !(product * product > best_gain * square)) continue;
    best_gain = product * product / square;
    best_scale = product / square;
  }
  return best_scale;
}

}  // namespace retort::encode
