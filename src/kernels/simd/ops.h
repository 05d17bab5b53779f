// Kernels on activations. Include after an ISA's vec.h.
#pragma once

#include "kernels/kernels.h"
#include "kernels/simd/compiler.h"
#include "kernels/simd/math.h"
#include "kernels/simd/vectors.h"

namespace retort {
namespace {

/// Four accumulators, so that four chains of FMAs are in flight; element i goes to the same one whatever n is.
float sum_of_squares(const float* x, std::int64_t n) {
  F sums[4] = {vzero(), vzero(), vzero(), vzero()};
  std::int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    RETORT_UNROLL for (int j = 0; j < 4; ++j) {
      const F a = vload(x + i + j * kLanes);
      sums[j] = vfma(a, a, sums[j]);
    }
  }
  F rest = vzero();
  for_vectors(n - i, [&](std::int64_t j, auto part) {
    const F a = part.load(x + i + j);
    rest = vfma(a, a, rest);
  });
  return vsum(vadd(vadd(vadd(sums[0], sums[1]), vadd(sums[2], sums[3])), rest));
}

void rms_norm(const float* x, const float* weight, float* y, std::int64_t n, float eps) {
  const float mean_square = sum_of_squares(x, n) / static_cast<float>(n);
  const F scale = vset(1.0f / __builtin_sqrtf(mean_square + eps));
  for_vectors(n, [&](std::int64_t i, auto part) {
    part.store(y + i, vmul(vmul(part.load(x + i), scale), part.load(weight + i)));
  });
}

// Products rounded before they are added, as ref does: rotations then have the same bits everywhere.
void rope(float* x, const float* cos, const float* sin, std::int64_t head_dim) {
  const std::int64_t half = head_dim / 2;
  for_vectors(half, [&](std::int64_t i, auto part) {
    const F a = part.load(x + i);
    const F b = part.load(x + half + i);
    const F c = part.load(cos + i);
    const F s = part.load(sin + i);
    part.store(x + i, vsub(vmul(a, c), vmul(b, s)));
    part.store(x + half + i, vadd(vmul(b, c), vmul(a, s)));
  });
}

void silu_mul(float* gate, const float* up, std::int64_t n) {
  for_vectors(n, [&](std::int64_t i, auto part) {
    const F g = part.load(gate + i);
    const F silu = vdiv(g, vadd(vset(1.0f), vexp(vsub(vzero(), g))));
    part.store(gate + i, vmul(silu, part.load(up + i)));
  });
}

void add(float* y, const float* x, std::int64_t n) {
  for_vectors(n, [&](std::int64_t i, auto part) { part.store(y + i, vadd(part.load(y + i), part.load(x + i))); });
}

void axpy(float* y, const float* x, float a, std::int64_t n) {
  const F factor = vset(a);
  for_vectors(
      n, [&](std::int64_t i, auto part) { part.store(y + i, vadd(part.load(y + i), vmul(factor, part.load(x + i)))); });
}

/// The largest element, NaN passed over; -infinity where there is nothing else.
float max_of(const float* x, std::int64_t n) {
  F max = vset(-kInfinity);
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) max = vmax(vload(x + i), max);
  float lanes[kLanes];
  vstore(lanes, max);
  float best = -kInfinity;
  for (const float value : lanes) best = value > best ? value : best;
  for (; i < n; ++i) best = x[i] > best ? x[i] : best;
  return best;
}

/// The first element equal to `value`, or 0 where none is.
std::int64_t first_equal(const float* x, std::int64_t n, float value) {
  const F wanted = vset(value);
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const unsigned equal = vequal(vload(x + i), wanted);
    if (equal != 0) return i + __builtin_ctz(equal);
  }
  for (; i < n; ++i) {
    if (x[i] == value) return i;
  }
  return 0;
}

std::int64_t argmax(const float* x, std::int64_t n) { return first_equal(x, n, max_of(x, n)); }

bool has_nan(const float* x, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    if (x[i] != x[i]) return true;
  }
  return false;
}

double log_sum_exp(const float* x, std::int64_t n) {
  const float max = max_of(x, n);
  // All are -infinity, or one is +infinity: nothing to shift by.
  if (!(max > -kInfinity && max < kInfinity)) return has_nan(x, n) ? __builtin_nan("") : max;
  const D shift = dset(-static_cast<double>(max));
  D low = dset(0);
  D high = dset(0);
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const F a = vload(x + i);
    low = dadd(low, dexp(dadd(widen_low(a), shift)));
    high = dadd(high, dexp(dadd(widen_high(a), shift)));
  }
  double sum = dsum(dadd(low, high));
  for (; i < n; ++i) sum += __builtin_exp(static_cast<double>(x[i]) - static_cast<double>(max));
  return static_cast<double>(max) + __builtin_log(sum);
}

}  // namespace
}  // namespace retort
