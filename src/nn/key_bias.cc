#include "nn/key_bias.h"

#include <algorithm>
#include <cmath>

#include "kernels/kv_block.h"
#include "nn/rope.h"

namespace retort {
namespace {

// A pair that turns by less than this over a block has its bias taken out.
constexpr double kMostRadians = 0.5;
// No bias that a model was trained to needs more, and a query times it stays far from fp32's end.
constexpr int kMostBits = 16;

// The largest power of two that is no more than `magnitude`, but at least 1: keys without a bias are that large anyway.
float power_below(double magnitude) {
  if (!(magnitude >= 2)) return 1.0f;  // NaN too
  return static_cast<float>(
      std::ldexp(1.0, std::isinf(magnitude) ? kMostBits : std::min(std::ilogb(magnitude), kMostBits)));
}

}  // namespace

KeyBias key_bias(const ModelConfig& config, std::span<const float> bias) {
  KeyBias out;
  if (bias.empty()) return out;
  const std::int64_t half = config.head_dim / 2;
  const RopeFrequencies frequencies = rope_frequencies(config, 0);
  out.offset.resize(bias.size(), 0.0f);
  out.balance.resize(bias.size(), 1.0f);
  for (std::int64_t head = 0; head < config.num_key_value_heads; ++head) {
    for (std::int64_t i = 0; i < half; ++i) {
      const std::int64_t a = head * config.head_dim + i;
      const std::int64_t b = a + half;
      double left = std::hypot(static_cast<double>(bias[a]), static_cast<double>(bias[b]));
      const double radians = frequencies.inverse[i] * static_cast<double>(kKvBlockPositions);
      if (radians < kMostRadians) {
        out.offset[a] = bias[a];
        out.offset[b] = bias[b];
        left *= radians / 2;  // by which the bias has turned away from the offset, on average over the block
      }
      out.balance[a] = out.balance[b] = power_below(left);
    }
  }
  return out;
}

}  // namespace retort
