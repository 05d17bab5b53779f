// Attention over one block, as kernels/kv_block.h writes it down.
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/ref/ref.h"

namespace retort::ref {
namespace {

constexpr int kPositions = static_cast<int>(kKvBlockPositions);

}  // namespace

float exp_polynomial(float x) {
  const float bounded = std::isnan(x) ? x : std::fmin(89.0f, std::fmax(-104.0f, x));
  if (std::isnan(bounded)) return bounded;
  const float n = std::nearbyint(bounded * 1.44269504f);
  float r = std::fma(n, -0.693359375f, bounded);
  r = std::fma(n, 2.12194440e-4f, r);
  float p = 1.0f / 5040;
  for (const float c : {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f}) p = std::fma(p, r, c);
  return std::ldexp(p, static_cast<int>(n));
}

float sum_of_block(const float* w) {
  float partial[16];
  for (int i = 0; i < 16; ++i) partial[i] = ((w[i] + w[16 + i]) + w[32 + i]) + w[48 + i];
  for (int n = 8; n > 0; n /= 2) {
    for (int i = 0; i < n; ++i) partial[i] += partial[i + n];
  }
  return partial[0];
}

float offset_score(const float* q, const float* offset, std::int64_t n) {
  float partial[16] = {};
  for (std::int64_t d = 0; d < n; ++d) partial[d % 16] = std::fma(q[d], offset[d], partial[d % 16]);
  for (int half = 8; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) partial[i] += partial[i + half];
  }
  return partial[0];
}

void attention_block(const AttentionBlockArgs& a) {
  const KvBlockLayout& layout = *a.layout;
  const std::int64_t dim = layout.head_dim;
  const bool scaled = layout.k_scales != 0;
  const auto* k_scales = reinterpret_cast<const float*>(a.head + layout.k_scales);
  const auto* v_scales = reinterpret_cast<const float*>(a.head + layout.v_scales);
  const auto* shares = reinterpret_cast<const float*>(a.head + layout.k_shares);
  const auto* offset = reinterpret_cast<const float*>(a.head + layout.k_offset);
  // As stored: scales enter where the formula has them.
  std::vector<std::vector<float>> keys(kPositions, std::vector<float>(dim));
  std::vector<std::vector<float>> values = keys;
  for (int p = 0; p < kPositions; ++p) load_kv_codes(layout, a.head, p, keys[p].data(), values[p].data());

  for (std::int64_t i = 0; i < a.row_count; ++i) {
    AttentionRow& row = a.rows[i];
    float w[kPositions];
    float max = row.max;
    const float base = scaled ? a.scale * offset_score(row.q, offset, dim) : 0.0f;
    for (int p = 0; p < kPositions; ++p) {
      w[p] = -std::numeric_limits<float>::infinity();
      if (p < row.first || p >= row.last) continue;
      float s = 0;
      for (std::int64_t d = 0; d < dim; ++d) s = std::fma(row.q[d], keys[p][d], s);
      w[p] = s * a.scale;
      if (scaled) w[p] = std::fma(w[p], k_scales[p], base * shares[p]);
      if (w[p] > max) max = w[p];
    }
    const float shift = max > -std::numeric_limits<float>::infinity() ? max : 0.0f;
    for (float& x : w) x = exp_polynomial(x - shift);
    const float shrink = max > row.max ? exp_polynomial(row.max - max) : 1.0f;
    row.max = max;
    row.sum = std::fma(row.sum, shrink, sum_of_block(w));
    for (std::int64_t d = 0; d < dim; ++d) {
      float out = row.out[d] * shrink;
      for (int p = row.first; p < row.last; ++p) out = std::fma(scaled ? w[p] * v_scales[p] : w[p], values[p][d], out);
      row.out[d] = out;
    }
  }
}

}  // namespace retort::ref
