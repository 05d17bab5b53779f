// Attention of several queries over one block of the KV cache (kernels/kv_block.h). Include after an ISA's vec.h.
//
// Both products are small matrix products with the queries as rows: scores with 64 positions as columns, weighted sums
// with the head's dimensions. A tile of up to 6 rows by 2 vectors has 12 sums, 2 vectors of K or V and 1 broadcast: 15
// of AVX2's 16 registers, and 8 loads feed 12 FMAs, where a core does two of each per cycle. 7 to 12 rows are a tile of
// one vector, 13 loads for 12 FMAs, rather than two tiles that both read the block: what decodes come to (7 heads to a
// group) stays bound by the memory. A query costs 2 x 64 x 128 / 8 = 2,048 FMAs per block of 128 dimensions, its
// softmax some 200 operations. For 6 queries that is 6,144 cycles over 32 KiB of bf16: 5.3 bytes a cycle and core,
// about what memory gives, so the next block is fetched, into L2, while this one is worked on.
#pragma once

#include "kernels/kernels.h"
#include "kernels/simd/compiler.h"
#include "kernels/simd/fetcher.h"
#include "kernels/simd/math.h"

namespace retort {
namespace {

constexpr int kBlock = static_cast<int>(kKvBlockPositions);
constexpr int kRegisters = kLanes == 16 ? 32 : 16;
/// Rows of a tile of two vectors of sums, and rows of the highest tile.
constexpr int kPairRows = kRegisters == 32 ? 12 : 6;
constexpr int kMostRows = 12;
/// Vectors of sums that each row of a tile has.
constexpr int vectors_of(int rows) { return rows <= kPairRows ? 2 : 1; }
constexpr float kMinusInfinity = -__builtin_inff();

// What the element types do: a vector of positions for each of the kTogether dimensions that lie together in K, or of
// dimensions for each of as many positions in V.
struct KvF32 {
  static constexpr int kTogether = 1;
  RETORT_INLINE static void split(const std::uint32_t* p, F out[kTogether]) {
    out[0] = vload(reinterpret_cast<const float*>(p));
  }
};
struct KvBf16 {
  static constexpr int kTogether = 2;
  RETORT_INLINE static void split(const std::uint32_t* p, F out[kTogether]) { split_bf16_pairs(p, out[0], out[1]); }
};
struct KvInt8 {
  static constexpr int kTogether = 4;
  RETORT_INLINE static void split(const std::uint32_t* p, F out[kTogether]) { split_i8_fours(p, out); }
};
struct KvFp8 {
  static constexpr int kTogether = 4;
  RETORT_INLINE static void split(const std::uint32_t* p, F out[kTogether]) { split_f8e4m3_fours(p, out); }
};

/// scores[r, p] = q[r] . k[p] for kRows rows and all positions, unscaled.
template <typename Kv, int kRows>
void score_rows(const AttentionRow* rows, const std::byte* k, std::int64_t head_dim, float* scores, Fetcher& fetcher) {
  constexpr int kVectors = vectors_of(kRows);
  constexpr int kTogether = Kv::kTogether;
  const auto* words = reinterpret_cast<const std::uint32_t*>(k);
  const float* q[kRows];
  RETORT_UNROLL for (int r = 0; r < kRows; ++r) q[r] = rows[r].q;
  for (int position = 0; position < kBlock; position += kVectors * kLanes) {
    F sums[kRows][kVectors];
    RETORT_UNROLL for (int r = 0; r < kRows; ++r) {
      RETORT_UNROLL for (int v = 0; v < kVectors; ++v) sums[r][v] = vzero();
    }
    for (std::int64_t d = 0; d < head_dim; d += kTogether) {
      fetcher.step();
      F keys[kVectors][kTogether];
      RETORT_UNROLL for (int v = 0; v < kVectors; ++v) {
        Kv::split(words + d / kTogether * kBlock + position + v * kLanes, keys[v]);
      }
      RETORT_UNROLL for (int j = 0; j < kTogether; ++j) {
        if (d + j >= head_dim) break;
        RETORT_UNROLL for (int r = 0; r < kRows; ++r) {
          const F a = vset(q[r][d + j]);
          RETORT_UNROLL for (int v = 0; v < kVectors; ++v) sums[r][v] = vfma(a, keys[v][j], sums[r][v]);
        }
      }
    }
    RETORT_UNROLL for (int r = 0; r < kRows; ++r) {
      RETORT_UNROLL for (int v = 0; v < kVectors; ++v) vstore(scores + r * kBlock + position + v * kLanes, sums[r][v]);
    }
  }
}

/// out[r, i] = shrink[r] * out[r, i] + sum over p of weights[r, p] v[p, i], for kVectors vectors.
template <typename Kv, int kRows, int kVectors>
RETORT_INLINE void weigh_vectors(const AttentionRow* rows, const std::byte* v, std::int64_t stride, std::int64_t i,
                                 const float* weights, const float* shrink, int first, int last, Fetcher& fetcher) {
  F sums[kRows][kVectors];
  RETORT_UNROLL for (int r = 0; r < kRows; ++r) {
    RETORT_UNROLL for (int j = 0; j < kVectors; ++j) {
      sums[r][j] = vmul(vset(shrink[r]), vload(rows[r].out + i + j * kLanes));
    }
  }
  constexpr int kTogether = Kv::kTogether;
  const auto* words = reinterpret_cast<const std::uint32_t*>(v);
  for (int p = first / kTogether * kTogether; p < last; p += kTogether) {
    fetcher.step();
    F vs[kVectors][kTogether];
    RETORT_UNROLL for (int j = 0; j < kVectors; ++j) {
      Kv::split(words + p / kTogether * stride + i + j * kLanes, vs[j]);
    }
    RETORT_UNROLL for (int s = 0; s < kTogether; ++s) {
      if (p + s < first || p + s >= last) continue;
      RETORT_UNROLL for (int r = 0; r < kRows; ++r) {
        const F w = vset(weights[r * kBlock + p + s]);
        RETORT_UNROLL for (int j = 0; j < kVectors; ++j) sums[r][j] = vfma(w, vs[j][s], sums[r][j]);
      }
    }
  }
  RETORT_UNROLL for (int r = 0; r < kRows; ++r) {
    RETORT_UNROLL for (int j = 0; j < kVectors; ++j) vstore(rows[r].out + i + j * kLanes, sums[r][j]);
  }
}

template <typename Kv, int kRows>
void weigh_rows(const AttentionRow* rows, const std::byte* v, std::int64_t padded_dim, const float* weights,
                const float* shrink, Fetcher& fetcher) {
  int first = kBlock;
  int last = 0;
  for (int r = 0; r < kRows; ++r) {
    first = rows[r].first < first ? rows[r].first : first;
    last = rows[r].last > last ? rows[r].last : last;
  }
  constexpr int kVectors = vectors_of(kRows);
  std::int64_t i = 0;
  for (; i + kVectors * kLanes <= padded_dim; i += kVectors * kLanes) {
    weigh_vectors<Kv, kRows, kVectors>(rows, v, padded_dim, i, weights, shrink, first, last, fetcher);
  }
  for (; i < padded_dim; i += kLanes) {
    weigh_vectors<Kv, kRows, 1>(rows, v, padded_dim, i, weights, shrink, first, last, fetcher);
  }
}

/// q . offset of a block, in the order that kv_block.h gives.
RETORT_INLINE float offset_score(const float* q, const float* offset, std::int64_t n) {
  F sums[16 / kLanes];
  RETORT_UNROLL for (int j = 0; j < 16 / kLanes; ++j) sums[j] = vzero();
  for (std::int64_t d = 0; d < n; d += 16) {
    RETORT_UNROLL for (int j = 0; j < 16 / kLanes; ++j) {
      const std::int64_t at = d + j * kLanes;
      const std::int64_t left = n - at;
      const F a = left >= kLanes ? vload(q + at) : vload_first(q + at, left > 0 ? left : 0);
      sums[j] = vfma(a, vload(offset + at), sums[j]);
    }
  }
  return vsum16(sums);
}

/// Scores of one row to weights against the new maximum; returns what the sums so far shrink by.
float soften(float* scores, AttentionRow& row, float scale, const float* k_scales, const float* v_scales,
             const float* k_shares, float of_offset) {
  const F factor = vset(scale);
  const F shared = vset(of_offset);
  F largest = vset(row.max);
  for (int p = 0; p < kBlock; p += kLanes) {
    F s = vmul(vload(scores + p), factor);
    if (k_scales != nullptr) s = vfma(s, vload(k_scales + p), vmul(shared, vload(k_shares + p)));
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
        weighted = vmul(weights, vload(v_scales + p + j * kLanes));
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
    const float* offset = scales(layout.k_offset);
    const float of_offset = offset == nullptr ? 0.0f : a.scale * offset_score(rows[r].q, offset, layout.head_dim);
    shrink[r] = soften(scores + r * kBlock, rows[r], a.scale, scales(layout.k_scales), scales(layout.v_scales),
                       scales(layout.k_shares), of_offset);
  }
  weigh_rows<Kv, kRows>(rows, a.head + layout.v, layout.padded_dim, scores, shrink, fetcher);
}

template <typename Kv, int kRows = 1>
void attend_n(std::int64_t n, const AttentionBlockArgs& a, AttentionRow* rows, Fetcher& fetcher) {
  if constexpr (kRows < kMostRows) {
    if (n > kRows) return attend_n<Kv, kRows + 1>(n, a, rows, fetcher);
  }
  attend_tile<Kv, kRows>(a, rows, fetcher);
}

template <typename Kv>
void attend_rows(const AttentionBlockArgs& a) {
  const KvBlockLayout& layout = *a.layout;
  // Tiles of nearly equal height.
  const std::int64_t highest = a.row_count <= kMostRows ? kMostRows : kPairRows;
  const std::int64_t tiles = (a.row_count + highest - 1) / highest;
  const std::int64_t height = (a.row_count + tiles - 1) / tiles;
  const std::int64_t width = vectors_of(static_cast<int>(height)) * kLanes;
  const std::int64_t score_steps = (layout.head_dim + Kv::kTogether - 1) / Kv::kTogether * (kBlock / width);
  const std::int64_t weigh_steps = (layout.padded_dim + width - 1) / width * (kBlock / Kv::kTogether);
  const std::int64_t steps = tiles * (score_steps + weigh_steps);
  Fetcher fetcher(a.next, layout.head_bytes, steps);
  AttentionRow* rows = a.rows;
  for (std::int64_t tile = 0; tile < tiles; ++tile) {
    const std::int64_t left = a.row_count - (rows - a.rows);
    const std::int64_t n = (left + tiles - tile - 1) / (tiles - tile);
    attend_n<Kv>(n, a, rows, fetcher);
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
