// Encoders of the types with 256 elements to a super-block: Q4_K, Q5_K, Q6_K. blocks.h draws them.
//
// Two levels: first each group gets the best scale (and minimum) of its own as fp32; these are then quantized
// themselves, relative to the super-block's d (and dmin); and with what came of them the values are rounded anew. For
// Q4_K and Q5_K d and dmin are then fitted once more to the rounded values, all 256 of them.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/blocks.h"
#include "kernels/encode_families.h"
#include "kernels/encode_search.h"

namespace retort {
namespace {

using namespace encode;

constexpr int kGroup = 32;  // of Q4_K and Q5_K
constexpr int kGroups = 8;

/// encode(x, weight, block) for each super-block of a row.
template <typename Block, typename Encode>
void for_each_super_block(const float* x, const float* weight, void* row, std::int64_t n, Encode encode_block) {
  auto* out = static_cast<std::byte*>(row);
  float equal[kSuperBlock];
  std::fill_n(equal, kSuperBlock, 1.0f);
  for (std::int64_t i = 0; i < n / kSuperBlock; ++i) {
    Block block{};
    encode_block(x + i * kSuperBlock, weight ? weight + i * kSuperBlock : equal, block);
    std::memcpy(out + i * static_cast<std::int64_t>(sizeof(Block)), &block, sizeof(Block));
  }
}

struct ScaleAndMin {
  float scale = 0;  // x ~ scale * q - min; both at least 0
  float min = 0;
};

// What a weighted fit of 32 values needs.
struct GroupSums {
  float w = 0;
  float wx = 0;
};

// The best scale and min for the codes that `inverse_scale` and `min` give, and what they save against all zeros:
// sum(w x^2) - error.
struct Fit {
  ScaleAndMin found;
  float gain = 0;
};
Fit fit_group(const float* x, const float* weight, const GroupSums& sums, float inverse_scale, float min, float top) {
  Sum wq_sum;
  Sum wqq_sum;
  Sum wqx_sum;
  for (int i = 0; i < kGroup; i += kLanes) {
    for (int j = 0; j < kLanes; ++j) {
      const float q = std::min(std::max(nearest((x[i + j] + min) * inverse_scale), 0.0f), top);
      const float wq = weight[i + j] * q;
      wq_sum.lane[j] += wq;
      wqq_sum.lane[j] += wq * q;
      wqx_sum.lane[j] += wq * x[i + j];
    }
  }
  const float wq = wq_sum.total();
  const float wqq = wqq_sum.total();
  const float wqx = wqx_sum.total();
  Fit fit;
  if (!(wqq > 0)) return fit;
  const float determinant = sums.w * wqq - wq * wq;
  if (determinant > 1e-6f * sums.w * wqq) {
    fit.found = {(sums.w * wqx - sums.wx * wq) / determinant, (wq * wqx - wqq * sums.wx) / determinant};
  }
  if (!(fit.found.scale > 0) || fit.found.min < 0) fit.found = {wqx / wqq, 0};
  if (!(fit.found.scale > 0)) return {};
  const float s = fit.found.scale;
  const float m = fit.found.min;
  fit.gain = 2 * (s * wqx - m * sums.wx) - (s * s * wqq - 2 * s * m * wq + m * m * sums.w);
  return fit;
}

ScaleAndMin group_scale(const float* x, const float* weight, int levels) {
  GroupSums sums;
  float low = 0;
  float high = 0;
  for (int i = 0; i < kGroup; ++i) {
    low = std::min(low, x[i]);
    high = std::max(high, x[i]);
    sums.w += weight[i];
    sums.wx += weight[i] * x[i];
  }
  const auto top = static_cast<float>(levels - 1);
  const float per_level = inverse(high - low);
  if (per_level == 0) return {0, 0};
  Fit best{{(high - low) / top, -low}, 0};
  // From ranges that are wider than the values' to ranges that cut the ends off; the best is then fitted again around
  // the minimum that it found.
  constexpr int kSteps = 20;
  const auto consider = [&](const Fit& fit) {
    if (fit.gain > best.gain) best = fit;
  };
  for (int step = 0; step <= kSteps; ++step) {
    const float range = top * (0.95f + 0.025f * static_cast<float>(step));
    consider(fit_group(x, weight, sums, range * per_level, -low, top));
  }
  for (int round = 0; round < 3; ++round) {
    const Fit before = best;
    consider(fit_group(x, weight, sums, inverse(before.found.scale), before.found.min, top));
    if (!(best.gain > before.gain)) break;
  }
  return best.found;
}

// A super-block with its scales and minima as whole numbers.
struct Levels {
  std::uint8_t scale[kGroups];  // 0..63
  std::uint8_t min[kGroups];    // 0..63
  std::uint8_t q[kSuperBlock];
  Half d;
  Half dmin;
};

// Rounds the values with what d and dmin give, as the decoder computes it; the weighted error.
float round_values(const float* x, const float* weight, int levels, Levels& out) {
  const auto top = static_cast<float>(levels - 1);
  float error = 0;
  for (int g = 0; g < kGroups; ++g) {
    const float scale = out.d.value * static_cast<float>(out.scale[g]);
    const float min = out.dmin.value * static_cast<float>(out.min[g]);
    const float factor = inverse(scale);
    Sum sum;
    for (int i = g * kGroup; i < (g + 1) * kGroup; i += kLanes) {
      for (int j = 0; j < kLanes; ++j) {
        const float q = std::min(std::max(nearest((x[i + j] + min) * factor), 0.0f), top);
        const float difference = x[i + j] - (scale * q - min);
        sum.lane[j] += weight[i + j] * difference * difference;
        out.q[i + j] = static_cast<std::uint8_t>(q);
      }
    }
    error += sum.total();
  }
  return error;
}

// The d and dmin that fit the codes best: x ~ d * a - dmin * b with a = scale * q, b = min.
Levels refit(const float* x, const float* weight, const Levels& from) {
  double aa = 0, ab = 0, bb = 0, ax = 0, bx = 0;
  for (int i = 0; i < kSuperBlock; ++i) {
    const int group = i / kGroup;
    const double a = static_cast<double>(from.scale[group]) * from.q[i];
    const double b = from.min[group];
    const double w = weight[i];
    aa += w * a * a;
    ab += w * a * b;
    bb += w * b * b;
    ax += w * a * x[i];
    bx += w * b * x[i];
  }
  Levels out = from;
  const double determinant = aa * bb - ab * ab;
  if (determinant > 1e-9 * aa * bb) {
    const double d = (ax * bb - bx * ab) / determinant;
    const double dmin = (ax * ab - bx * aa) / determinant;
    if (d > 0 && dmin >= 0) {
      out.d = to_half(static_cast<float>(d));
      out.dmin = to_half(static_cast<float>(dmin));
    }
  } else if (aa > 0 && bb == 0 && ax > 0) {
    out.d = to_half(static_cast<float>(ax / aa));
  }
  return out;
}

Levels super_block_levels(const float* x, const float* weight, int levels) {
  ScaleAndMin groups[kGroups];
  float largest_scale = 0;
  float largest_min = 0;
  for (int g = 0; g < kGroups; ++g) {
    groups[g] = group_scale(x + g * kGroup, weight + g * kGroup, levels);
    largest_scale = std::max(largest_scale, groups[g].scale);
    largest_min = std::max(largest_min, groups[g].min);
  }
  Levels best{};
  best.d = to_half(largest_scale / 63.0f);
  best.dmin = to_half(largest_min / 63.0f);
  for (int g = 0; g < kGroups; ++g) {
    const auto whole = [](float value, float unit) {
      return static_cast<std::uint8_t>(std::min(nearest(std::min(value * inverse(unit), 63.0f)), 63.0f));
    };
    best.scale[g] = whole(groups[g].scale, best.d.value);
    best.min[g] = whole(groups[g].min, best.dmin.value);
  }
  float error = round_values(x, weight, levels, best);
  for (int round = 0; round < 2; ++round) {
    Levels next = refit(x, weight, best);
    const float next_error = round_values(x, weight, levels, next);
    if (!(next_error < error)) break;
    error = next_error;
    best = next;
  }
  return best;
}

// The 6-bit scales and minima of Q4_K and Q5_K.
void put_scales(const Levels& from, std::uint8_t (&s)[12]) {
  for (int i = 0; i < 4; ++i) {
    s[i] = static_cast<std::uint8_t>(from.scale[i] | ((from.scale[i + 4] >> 4) << 6));
    s[i + 4] = static_cast<std::uint8_t>(from.min[i] | ((from.min[i + 4] >> 4) << 6));
    s[i + 8] = static_cast<std::uint8_t>((from.scale[i + 4] & 15) | ((from.min[i + 4] & 15) << 4));
  }
}

void put_low_nibbles(const std::uint8_t* q, std::uint8_t (&qs)[128]) {
  for (int i = 0; i < 128; ++i) {
    const int low = 64 * (i / 32) + i % 32;
    qs[i] = static_cast<std::uint8_t>((q[low] & 15) | ((q[low + 32] & 15) << 4));
  }
}

}  // namespace

void encode_q4_k(const float* x, const float* weight, void* row, std::int64_t n) {
  for_each_super_block<BlockQ4_K>(x, weight, row, n, [](const float* values, const float* w, BlockQ4_K& block) {
    const Levels levels = super_block_levels(values, w, 16);
    block.d = levels.d.bits;
    block.dmin = levels.dmin.bits;
    put_scales(levels, block.scales);
    put_low_nibbles(levels.q, block.qs);
  });
}

void encode_q5_k(const float* x, const float* weight, void* row, std::int64_t n) {
  for_each_super_block<BlockQ5_K>(x, weight, row, n, [](const float* values, const float* w, BlockQ5_K& block) {
    const Levels levels = super_block_levels(values, w, 32);
    block.d = levels.d.bits;
    block.dmin = levels.dmin.bits;
    put_scales(levels, block.scales);
    put_low_nibbles(levels.q, block.qs);
    for (int i = 0; i < kSuperBlock; ++i) {
      block.qh[i % 32] = static_cast<std::uint8_t>(block.qh[i % 32] | ((levels.q[i] >> 4) << (i / 32)));
    }
  });
}

void encode_q6_k(const float* x, const float* weight, void* row, std::int64_t n) {
  constexpr int kSmall = 16;
  constexpr int kCount = kSuperBlock / kSmall;
  for_each_super_block<BlockQ6_K>(x, weight, row, n, [](const float* values, const float* w, BlockQ6_K& block) {
    float scales[kCount];
    float extreme = 0;
    for (int g = 0; g < kCount; ++g) {
      scales[g] = symmetric_scale<kSmall>(values + g * kSmall, w + g * kSmall, 32);
      if (std::abs(scales[g]) > std::abs(extreme)) extreme = scales[g];
    }
    const Half d = to_half(-extreme / 128.0f);
    const float factor = inverse(d.value);
    block.d = d.bits;
    for (int g = 0; g < kCount; ++g) {
      block.scales[g] = static_cast<std::int8_t>(
          std::min(std::max(nearest(std::clamp(scales[g] * factor, -200.0f, 200.0f)), -128.0f), 127.0f));
    }
    for (int i = 0; i < kSuperBlock; ++i) {
      const int group = i / kSmall;
      const float per_level = inverse(d.value * static_cast<float>(block.scales[group]));
      const auto q = static_cast<int>(std::min(std::max(nearest(values[i] * per_level), -32.0f), 31.0f)) + 32;
      const int half = i / 128;
      const int g = i % 128 / 32;
      const int l = i % 32;
      std::uint8_t& low = block.ql[64 * half + 32 * (g % 2) + l];
      std::uint8_t& high = block.qh[32 * half + l];
      low = static_cast<std::uint8_t>(low | ((q & 15) << (4 * (g / 2))));
      high = static_cast<std::uint8_t>(high | ((q >> 4) << (2 * g)));
    }
  });
}

}  // namespace retort
