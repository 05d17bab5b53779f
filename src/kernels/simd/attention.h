// Attention of the query heads of one group over one run of positions. Include after an ISA's vec.h.
//
// An online softmax, kTilePositions positions at a time counted from the run's first: scores of a tile, its maximum,
// whatever was summed so far scaled down if that maximum is higher, weights, and the weighted sum of V. Each element of
// each head is its own chain of operations whose order is given by the positions alone; heads and tokens beside it
// change nothing. A run that is cut at a multiple of kTilePositions makes the same tiles, so it gives the same bits.
//
// K and V come from memory once per tile and then serve all heads from L1 (16 positions x 128 x 4 bytes x 2 = 16 KiB).
// Scores: 2 heads x 4 positions take 8 accumulators and 6 loads for 8 FMAs. Weighted sums: 4 heads x 3 vectors of V
// take 12 accumulators and 7 loads for 12 FMAs, two loads and two FMAs going through per cycle.
#pragma once

#include "kernels/kernels.h"
#include "kernels/simd/compiler.h"
#include "kernels/simd/math.h"
#include "kernels/simd/vectors.h"

namespace retort {
namespace {

constexpr int kTilePositions = 16;  // a multiple of kLanes
constexpr int kHeadsAtOnce = 4;

/// The whole vectors of a head, and what is left after them.
struct HeadDim {
  std::int64_t whole;
  std::int64_t rest;
};

/// scores[h, p] = scale * q[h] . k[p] for kHeads heads and kPositions positions.
template <int kHeads, int kPositions>
void score(const float* q, std::int64_t q_stride, const float* k, std::int64_t k_stride, HeadDim dim, float scale,
           float* scores) {
  F sums[kHeads][kPositions];
  RETORT_UNROLL for (int h = 0; h < kHeads; ++h) {
    RETORT_UNROLL for (int p = 0; p < kPositions; ++p) sums[h][p] = vzero();
  }
  for (std::int64_t i = 0; i < dim.whole; i += kLanes) {
    F qs[kHeads];
    RETORT_UNROLL for (int h = 0; h < kHeads; ++h) qs[h] = vload(q + h * q_stride + i);
    RETORT_UNROLL for (int p = 0; p < kPositions; ++p) {
      const F ks = vload(k + p * k_stride + i);
      RETORT_UNROLL for (int h = 0; h < kHeads; ++h) sums[h][p] = vfma(qs[h], ks, sums[h][p]);
    }
  }
  if (dim.rest != 0) {
    RETORT_UNROLL for (int p = 0; p < kPositions; ++p) {
      const F ks = vload_first(k + p * k_stride + dim.whole, dim.rest);
      RETORT_UNROLL for (int h = 0; h < kHeads; ++h) {
        sums[h][p] = vfma(vload_first(q + h * q_stride + dim.whole, dim.rest), ks, sums[h][p]);
      }
    }
  }
  RETORT_UNROLL for (int h = 0; h < kHeads; ++h) {
    float* out = scores + h * kTilePositions;
    if constexpr (kPositions == 4) {
      vsum4(sums[h][0], sums[h][1], sums[h][2], sums[h][3], out);
    } else {
      RETORT_UNROLL for (int p = 0; p < kPositions; ++p) out[p] = vsum(sums[h][p]);
    }
    RETORT_UNROLL for (int p = 0; p < kPositions; ++p) out[p] = scale * out[p];
  }
}

template <int kHeads>
void score_positions(const AttentionArgs& a, std::int64_t head, std::int64_t position, int n, HeadDim dim,
                     float* scores) {
  const float* q = a.q + head * a.head_dim;
  const float* k = a.k + position * a.kv_stride;
  int p = 0;
  for (; p + 4 <= n; p += 4)
    score<kHeads, 4>(q, a.head_dim, k + p * a.kv_stride, a.kv_stride, dim, a.scale, scores + p);
  for (; p < n; ++p) score<kHeads, 1>(q, a.head_dim, k + p * a.kv_stride, a.kv_stride, dim, a.scale, scores + p);
}

/// Turns n scores into weights against the new maximum, and brings what was summed so far down to it.
void soften(float* scores, int n, AttentionState& state, float* out, std::int64_t head_dim) {
  for (int p = n; p < kTilePositions; ++p) scores[p] = -kInfinity;  // weighs nothing
  float max = state.max;
  for (int p = 0; p < n; ++p) max = scores[p] > max ? scores[p] : max;
  if (max > state.max) {
    float lanes[kLanes];
    vstore(lanes, vexp(vset(state.max - max)));  // 0 at first, when the maximum is -infinity
    const float shrink = lanes[0];
    state.max = max;
    state.sum *= shrink;
    const F factor = vset(shrink);
    for_vectors(head_dim, [&](std::int64_t i, auto part) { part.store(out + i, vmul(part.load(out + i), factor)); });
  }
  // While every score is -infinity there is no maximum to subtract; their weights are zeros all the same.
  const F base = vset(max > -kInfinity ? max : 0.0f);
  F sum = vzero();
  for (int p = 0; p < kTilePositions; p += kLanes) {
    const F weights = vexp(vsub(vload(scores + p), base));
    vstore(scores + p, weights);
    sum = vadd(sum, weights);
  }
  state.sum += vsum(sum);
}

/// out[h, i...] += sum over n positions of weights[h, p] * v[p, i...], for kVectors vectors (or one part of one).
template <int kHeads, int kVectors, typename Part>
RETORT_INLINE void weigh(const float* weights, const float* v, std::int64_t v_stride, int n, float* out,
                         std::int64_t out_stride, Part part) {
  F sums[kHeads][kVectors];
  RETORT_UNROLL for (int h = 0; h < kHeads; ++h) {
    RETORT_UNROLL for (int j = 0; j < kVectors; ++j) sums[h][j] = part.load(out + h * out_stride + j * kLanes);
  }
  for (int p = 0; p < n; ++p) {
    F vs[kVectors];
    RETORT_UNROLL for (int j = 0; j < kVectors; ++j) vs[j] = part.load(v + p * v_stride + j * kLanes);
    RETORT_UNROLL for (int h = 0; h < kHeads; ++h) {
      const F w = vset(weights[h * kTilePositions + p]);
      RETORT_UNROLL for (int j = 0; j < kVectors; ++j) sums[h][j] = vfma(w, vs[j], sums[h][j]);
    }
  }
  RETORT_UNROLL for (int h = 0; h < kHeads; ++h) {
    RETORT_UNROLL for (int j = 0; j < kVectors; ++j) part.store(out + h * out_stride + j * kLanes, sums[h][j]);
  }
}

template <int kHeads>
void weigh_positions(const AttentionArgs& a, std::int64_t head, std::int64_t position, int n, HeadDim dim,
                     const float* weights) {
  const float* v = a.v + position * a.kv_stride;
  float* out = a.out + head * a.head_dim;
  std::int64_t i = 0;
  for (; i + 3 * kLanes <= dim.whole; i += 3 * kLanes) {
    weigh<kHeads, 3>(weights, v + i, a.kv_stride, n, out + i, a.head_dim, WholeVector{});
  }
  for (; i < dim.whole; i += kLanes) {
    weigh<kHeads, 1>(weights, v + i, a.kv_stride, n, out + i, a.head_dim, WholeVector{});
  }
  if (dim.rest != 0) weigh<kHeads, 1>(weights, v + i, a.kv_stride, n, out + i, a.head_dim, PartVector{dim.rest});
}

void attention(const AttentionArgs& a) {
  const HeadDim dim{a.head_dim / kLanes * kLanes, a.head_dim % kLanes};
  alignas(64) float scores[kHeadsAtOnce * kTilePositions];
  for (std::int64_t position = 0; position < a.positions; position += kTilePositions) {
    const std::int64_t left = a.positions - position;
    const int n = static_cast<int>(left < kTilePositions ? left : kTilePositions);
    for (std::int64_t head = 0; head < a.heads; head += kHeadsAtOnce) {
      const int heads = static_cast<int>(a.heads - head < kHeadsAtOnce ? a.heads - head : kHeadsAtOnce);
      int h = 0;
      for (; h + 2 <= heads; h += 2) score_positions<2>(a, head + h, position, n, dim, scores + h * kTilePositions);
      if (h < heads) score_positions<1>(a, head + h, position, n, dim, scores + h * kTilePositions);
      for (h = 0; h < heads; ++h) {
        soften(scores + h * kTilePositions, n, a.state[head + h], a.out + (head + h) * a.head_dim, a.head_dim);
      }
      switch (heads) {
        case 4:
          weigh_positions<4>(a, head, position, n, dim, scores);
          break;
        case 3:
          weigh_positions<3>(a, head, position, n, dim, scores);
          break;
        case 2:
          weigh_positions<2>(a, head, position, n, dim, scores);
          break;
        default:
          weigh_positions<1>(a, head, position, n, dim, scores);
          break;
      }
    }
  }
}

}  // namespace
}  // namespace retort
