// Attention of several queries over one block of the KV cache (kernels/kv_block.h). Include after an ISA's vec.h.
//
// Both products are small matrix products with the queries as rows: scores with 64 positions as columns, weighted sums
// with the head's dimensions. A tile is up to 6 rows by 2 vectors: 12 sums, 2 vectors of K or V and 1 broadcast take 15
// of AVX2's 16 registers, and 8 loads feed 12 FMAs, where a core does two of each per cycle. A query costs 2 x 64 x 128
// / 8 = 2,048 FMAs per block and vector width of 8, its softmax some 200 operations. For 6 queries that is 6,144 cycles
// over 32 KiB of bf16: 5.3 bytes a cycle and core, about what memory gives; fewer queries to a group are bound by
// memory, which is why the next block is fetched while this one is worked on.
#pragma once

#include "kernels/kernels.h"
#include "kernels/simd/compiler.h"
#include "kernels/simd/math.h"

namespace retort {
namespace {

constexpr int kBlock = static_cast<int>(kKvBlockPositions);
constexpr int kTileRows = 6;
constexpr float kMinusInfinity = -__builtin_inff();

/// Asks for the next block's lines, some with each step.
struct Fetcher {
  const std::byte* next;
  const std::byte* end;
  std::int64_t bytes_per_step;
  RETORT_INLINE void step() {
    for (std::int64_t i = 0; i < bytes_per_step && next < end; i += 64, next += 64) __builtin_prefetch(next, 0, 2);
  }
};

// What the element types do. Keys: kVectors vectors of positions for each dimension; values: vectors of dimensions.
struct KvF32 {
  static constexpr int kDims = 1;  // of a step through the keys
  RETORT_INLINE static void keys(const std::byte* k, std::int64_t step, int position, F out[kDims]) {
    out[0] = vload(reinterpret_cast<const float*>(k) + step * kBlock + position);
  }
  RETORT_INLINE static F values(const std::byte* v, std::int64_t i) {
    return vload(reinterpret_cast<const float*>(v) + i);
  }
  static constexpr float kUnit = 1.0f;
};
struct KvBf16 {
  static constexpr int kDims = 2;
  RETORT_INLINE static void keys(const std::byte* k, std::int64_t step, int position, F out[kDims]) {
    split_bf16_pairs(reinterpret_cast<const std::uint32_t*>(k) + step * kBlock + position, out[0], out[1]);
  }
  RETORT_INLINE static F values(const std::byte* v, std::int64_t i) {
    return vload_bf16(reinterpret_cast<const std::uint16_t*>(v) + i);
  }
  static constexpr float kUnit = 1.0f;
};
struct KvInt8 {
  static constexpr int kDims = 1;
  RETORT_INLINE static void keys(const std::byte* k, std::int64_t step, int position, F out[kDims]) {
    out[0] = vload_i8(k + step * kBlock + position);
  }
  RETORT_INLINE static F values(const std::byte* v, std::int64_t i) { return vload_i8(v + i); }
  static constexpr float kUnit = 1.0f;
};
struct KvFp8 {
  static constexpr int kDims = 1;
  RETORT_INLINE static void keys(const std::byte* k, std::int64_t step, int position, F out[kDims]) {
    out[0] = vload_f8e4m3_small(k + step * kBlock + position);
  }
  RETORT_INLINE static F values(const std::byte* v, std::int64_t i) { return vload_f8e4m3_small(v + i); }
  static constexpr float kUnit = 256.0f;  // loads give a 256th
};

/// scores[r, p] = q[r] . k[p] for kRows rows and all positions, unscaled.
template <typename Kv, int kRows>
void score_rows(const AttentionRow* rows, const std::byte* k, std::int64_t head_dim, float* scores, Fetcher& fetcher) {
  const float* q[kRows];
  RETORT_UNROLL for (int r = 0; r < kRows; ++r) q[r] = rows[r].q;
  for (int position = 0; position < kBlock; position += 2 * kLanes) {
    F sums[kRows][2];
    RETORT_UNROLL for (int r = 0; r < kRows; ++r) sums[r][0] = sums[r][1] = vzero();
    for (std::int64_t step = 0; step < head_dim / Kv::kDims; ++step) {
      fetcher.step();
      F low[Kv::kDims];
      F high[Kv::kDims];
      Kv::keys(k, step, position, low);
      Kv::keys(k, step, position + kLanes, high);
      RETORT_UNROLL for (int j = 0; j < Kv::kDims; ++j) {
        RETORT_UNROLL for (int r = 0; r < kRows; ++r) {
          const F a = vset(q[r][step * Kv::kDims + j]);
          sums[r][0] = vfma(a, low[j], sums[r][0]);
          sums[r][1] = vfma(a, high[j], sums[r][1]);
        }
      }
    }
    RETORT_UNROLL for (int r = 0; r < kRows; ++r) {
      vstore(scores + r * kBlock + position, sums[r][0]);
      vstore(scores + r * kBlock + position + kLanes, sums[r][1]);
    }
  }
}

/// out[r, i] = shrink[r] * out[r, i] + sum over p of weights[r, p] v[p, i], for kVectors vectors.
template <typename Kv, int kRows, int kVectors>
RETORT_INLINE void weigh_vectors(const AttentionRow* rows, const std::byte* v, std::int64_t stride, std::int64_t i,
                                 const float* weights, const float* shrink, int first, int last) {
  F sums[kRows][kVectors];
  RETORT_UNROLL for (int r = 0; r < kRows; ++r) {
    RETORT_UNROLL for (int j = 0; j < kVectors; ++j) {
      sums[r][j] = vmul(vset(shrink[r]), vload(rows[r].out + i + j * kLanes));
    }
  }
  for (int p = first; p < last; ++p) {
    F vs[kVectors];
    RETORT_UNROLL for (int j = 0; j < kVectors; ++j) vs[j] = Kv::values(v, p * stride + i + j * kLanes);
    RETORT_UNROLL for (int r = 0; r < kRows; ++r) {
      const F w = vset(weights[r * kBlock + p]);
      RETORT_UNROLL for (int j = 0; j < kVectors; ++j) sums[r][j] = vfma(w, vs[j], sums[r][j]);
    }
  }
  RETORT_UNROLL for (int r = 0; r < kRows; ++r) {
    RETORT_UNROLL for (int j = 0; j < kVectors; ++j) vstore(rows[r].out + i + j * kLanes, sums[r][j]);
  }
}

template <typename Kv, int kRows>
void weigh_rows(const AttentionRow* rows, const std::byte* v, std::int64_t padded_dim, const float* weights,
                const float* shrink) {
  int first = kBlock;
  int last = 0;
  for (int r = 0; r < kRows; ++r) {
    first = rows[r].first < first ? rows[r].first : first;
    last = rows[r].last > last ? rows[r].last : last;
  }
  std::int64_t i = 0;
  for (; i + 2 * kLanes <= padded_dim; i += 2 * kLanes) {
    weigh_vectors<Kv, kRows, 2>(rows, v, padded_dim, i, weights, shrink, first, last);
  }
  for (; i < padded_dim; i += kLanes) {
    weigh_vectors<Kv, kRows, 1>(rows, v, padded_dim, i, weights, shrink, first, last);
  }
}

/// Scores of one row to weights against the new maximum; returns what the sums so far shrink by.
float soften(float* scores, AttentionRow& row, float scale, const float* k_scales, const float* v_scales, float unit) {
  const F factor = vset(scale);
  const F whole = vset(unit);
  F largest = vset(row.max);
  for (int p = 0; p < kBlock; p += kLanes) {
    F s = vmul(vload(scores + p), factor);
    if (k_scales != nullptr) s = vmul(s, vmul(vload(k_scales + p), whole));
    s = vselect_lanes(s, vset(kMinusInfinity), row.first - p, row.last - p);
    vstore(scores + p, s);
    largest = vmax(s, largest);
  }
  float lanes[kLanes];
  vstore(lanes, largest);
  float max = lanes[0];
  for (int l = 1; l < kLanes; ++l) max = lanes[l] > max ? lanes[l] : max;
  // While every score is -infinity there is no maximum to subtract; their weights are zeros all the same.
  const F base = vset(max > kMinusInfinity ? max : 0.0f);
  F sums[16 / kLanes];
  for (int p = 0; p < kBlock; p += 16) {
    RETORT_UNROLL for (int j = 0; j < 16 / kLanes; ++j) {
      float* w = scores + p + j * kLanes;
      const F weights = vexp(vsub(vload(w), base));
      sums[j] = p == 0 ? weights : vadd(sums[j], weights);
      F weighted = weights;
      if (v_scales != nullptr) {
        weighted = vmul(weights, vmul(vload(v_scales + p + j * kLanes), whole));
        weighted = vselect_lanes(weighted, vzero(), row.first - p - j * kLanes, row.last - p - j * kLanes);
      }
      vstore(w, weighted);
    }
  }
  float shrink = 1.0f;
  if (max > row.max) {
    vstore(lanes, vexp(vset(row.max - max)));  // 0 at first, when the maximum is -infinity
    shrink = lanes[0];
    row.max = max;
  }
  row.sum = __builtin_fmaf(row.sum, shrink, vsum16(sums));
  return shrink;
}

template <typename Kv, int kRows>
void attend_tile(const AttentionBlockArgs& a, AttentionRow* rows, Fetcher& fetcher) {
  const KvBlockLayout& layout = *a.layout;
  alignas(64) float scores[kRows * kBlock];
  float shrink[kRows];
  score_rows<Kv, kRows>(rows, a.head, layout.head_dim, scores, fetcher);
  const auto scales = [&](std::int64_t offset) {
    return offset == 0 ? nullptr : reinterpret_cast<const float*>(a.head + offset);
  };
  for (int r = 0; r < kRows; ++r) {
    shrink[r] =
        soften(scores + r * kBlock, rows[r], a.scale, scales(layout.k_scales), scales(layout.v_scales), Kv::kUnit);
  }
  weigh_rows<Kv, kRows>(rows, a.head + layout.v, layout.padded_dim, scores, shrink);
}

template <typename Kv>
void attend_rows(const AttentionBlockArgs& a) {
  const KvBlockLayout& layout = *a.layout;
  const std::int64_t steps = layout.head_dim / Kv::kDims * (kBlock / (2 * kLanes));
  Fetcher fetcher{a.next, a.next == nullptr ? nullptr : a.next + layout.head_bytes,
                  (layout.head_bytes + steps - 1) / steps};
  // Tiles of nearly equal height: 7 rows as 4 and 3.
  const std::int64_t tiles = (a.row_count + kTileRows - 1) / kTileRows;
  AttentionRow* rows = a.rows;
  for (std::int64_t tile = 0; tile < tiles; ++tile) {
    const std::int64_t left = a.row_count - (rows - a.rows);
    const std::int64_t n = (left + tiles - tile - 1) / (tiles - tile);
    switch (n) {
      case 1:
        attend_tile<Kv, 1>(a, rows, fetcher);
        break;
      case 2:
        attend_tile<Kv, 2>(a, rows, fetcher);
        break;
      case 3:
        attend_tile<Kv, 3>(a, rows, fetcher);
        break;
      case 4:
        attend_tile<Kv, 4>(a, rows, fetcher);
        break;
      case 5:
        attend_tile<Kv, 5>(a, rows, fetcher);
        break;
      default:
        attend_tile<Kv, 6>(a, rows, fetcher);
        break;
    }
    rows += n;
  }
}

void attention_block(const AttentionBlockArgs& a) {
  switch (a.layout->type) {
    case KvCacheType::kF32:
      return attend_rows<KvF32>(a);
    case KvCacheType::kBf16:
      return attend_rows<KvBf16>(a);
    case KvCacheType::kFp8E4m3:
      return attend_rows<KvFp8>(a);
    case KvCacheType::kInt8:
      return attend_rows<KvInt8>(a);
  }
}

}  // namespace
}  // namespace retort
