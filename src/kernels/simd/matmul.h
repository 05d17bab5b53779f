// Weights of any format times fp32 activations, in a vector's worth of lanes along k. Include after an ISA's vec.h.
//
// Batch invariance is what shapes it. An output is the sum of one accumulator vector: element k of the row goes to
// lane k % kLanes, by fused multiply-adds with k ascending, and vsum adds up the lanes in a fixed order. Nothing in
// that depends on how many tokens or rows there are, so a token's result has the same bits alone and in any batch.
//
//   one token      Weights are unpacked in registers and go into the FMA at once: each is used a single time, and
//                  storing it would cost as much as unpacking it. Four rows take turns, part of a block by part, so
//                  that four chains of FMAs (latency 4) are in flight and x is read from L1 once for each.
//   more tokens    A panel of kPanelRows x kPanelColumns weights is unpacked into fp32 scratch that stays in L1, and
//                  tiles of 4 rows x kTileTokens tokens run over it with all accumulators in registers. Between
//                  panels the accumulators rest in scratch, whole vectors, so that cutting k changes no bits.
//
// What the hardware allows: two FMAs per cycle of kLanes each, that is 2 * 2 * kLanes * GHz GFLOP/s for each core. A
// tile needs 4 + kTileTokens loads for 4 * kTileTokens FMAs (7 for 12 on AVX2), and two or three vector loads go
// through per cycle, so that the FMAs are the bound as long as the operands come from L1:
//   panel         8 rows x 512 x 4 bytes                       16 KiB, used by all tokens of a chunk
//   x             kTileTokens x 512 x 4 bytes                  6 KiB (12 on AVX-512), used by both row tiles
//   accumulators  8 rows x 96 tokens x kLanes x 4 bytes        24 KiB (48), 2 vector moves for every 512/kLanes FMAs
// The first two fit in 32 KiB of L1; the accumulators stream through from L2. Unpacking costs less than a cycle for a
// weight, against 96 / (2 * kLanes) cycles of FMAs for the 96 tokens of a chunk.
#pragma once

#include "kernels/kernels.h"
#include "kernels/simd/compiler.h"

namespace retort {
namespace {

constexpr int kTileRows = 4;
constexpr int kPanelRows = 2 * kTileRows;
constexpr int kPanelColumns = 512;  // whole blocks of every format
constexpr int kChunkTokens = 96;    // whole tiles

template <typename Q>
constexpr int kPartElements = Q::kElements / Q::kParts;

struct Store {
  float* out;
  RETORT_INLINE void operator()(int i, F w) { vstore(out + i, w); }
};

struct MultiplyAdd {
  F sum;
  const float* x;
  RETORT_INLINE void operator()(int i, F w) { sum = vfma(w, vload(x + i), sum); }
};

/// Takes only the first n elements of what it is given, lanes beyond as zeros.
struct MultiplyAddFirst {
  F sum;
  const float* x;
  std::int64_t n;
  RETORT_INLINE void operator()(int i, F w) {
    if (i >= n) return;
    sum = vfma(w, n - i >= kLanes ? vload(x + i) : vload_first(x + i, n - i), sum);
  }
};

/// The last n elements of a row as a block of their own; the rest of it is zero bytes, which are zeros in all formats.
template <typename Q>
RETORT_INLINE typename Q::Block last_block(const typename Q::Block* from, std::int64_t n) {
  typename Q::Block block;
  __builtin_memset(&block, 0, sizeof(block));
  __builtin_memcpy(&block, from, static_cast<std::size_t>(n * Q::kElementBytes));
  return block;
}

template <typename Q>
void unpack_row(const typename Q::Block* blocks, float* out, std::int64_t n) {
  const std::int64_t whole = n / Q::kElements;
  for (std::int64_t b = 0; b < whole; ++b) {
    const auto scales = Q::prepare(blocks[b]);
    for (int p = 0; p < Q::kParts; ++p) {
      Store store{out + b * Q::kElements + p * kPartElements<Q>};
      Q::part(blocks[b], scales, p, store);
    }
  }
  if constexpr (!Q::kWholeBlocks) {
    const std::int64_t rest = n % Q::kElements;
    if (rest == 0) return;
    alignas(64) float last[Q::kElements];
    Store store{last};
    Q::part(last_block<Q>(blocks + whole, rest), {}, 0, store);
    __builtin_memcpy(out + whole * Q::kElements, last, static_cast<std::size_t>(rest) * sizeof(float));
  }
}

template <typename Q>
void dequantize(const void* row, float* out, std::int64_t n) {
  unpack_row<Q>(static_cast<const typename Q::Block*>(row), out, n);
}

// --- one token ------------------------------------------------------------------------------------------------

/// How far ahead of the reading of a row to fetch. Rows are short (616 bytes for 896 elements of Q5_0), so that a
/// hardware prefetcher has hardly found a row's stream when the row ends; a fixed distance runs on into the next rows.
/// Weights per second from memory on a Zen 3 core, with no fetching and at 1, 2, 4 KiB: Q5_0 4.3, 6.2, 6.3, 6.5 G;
/// Q6_K 2.2, 3.7, 5.2, 6.7 G; Q8_0 5.7, 4.9, 6.5, 7.7 G.
constexpr std::int64_t kPrefetchBytes = 4096;

template <typename Q>
RETORT_INLINE void fetch_ahead(const typename Q::Block* block) {
  const char* p = reinterpret_cast<const char*>(block) + kPrefetchBytes;
  for (unsigned offset = 0; offset < sizeof(*block); offset += 64) _mm_prefetch(p + offset, _MM_HINT_T0);
}

/// y[0..kRows) = the products of kRows rows, row_bytes apart, with x.
template <typename Q, int kRows>
void multiply_rows(const char* w, std::int64_t row_bytes, const float* x, std::int64_t columns, float* y) {
  const typename Q::Block* rows[kRows];
  MultiplyAdd sums[kRows];
  RETORT_UNROLL for (int r = 0; r < kRows; ++r) {
    rows[r] = reinterpret_cast<const typename Q::Block*>(w + r * row_bytes);
    sums[r].sum = vzero();
  }
  const std::int64_t whole = columns / Q::kElements;
  for (std::int64_t b = 0; b < whole; ++b) {
    typename Q::Scales scales[kRows];
    RETORT_UNROLL for (int r = 0; r < kRows; ++r) {
      fetch_ahead<Q>(rows[r] + b);
      scales[r] = Q::prepare(rows[r][b]);
    }
    for (int p = 0; p < Q::kParts; ++p) {
      RETORT_UNROLL for (int r = 0; r < kRows; ++r) {
        sums[r].x = x + b * Q::kElements + p * kPartElements<Q>;
        Q::part(rows[r][b], scales[r], p, sums[r]);
      }
    }
  }
  if constexpr (!Q::kWholeBlocks) {
    const std::int64_t rest = columns % Q::kElements;
    if (rest != 0) {
      RETORT_UNROLL for (int r = 0; r < kRows; ++r) {
        MultiplyAddFirst last{sums[r].sum, x + whole * Q::kElements, rest};
        Q::part(last_block<Q>(rows[r] + whole, rest), {}, 0, last);
        sums[r].sum = last.sum;
      }
    }
  }
  if constexpr (kRows == kTileRows) {
    vsum4(sums[0].sum, sums[1].sum, sums[2].sum, sums[3].sum, y);
  } else {
    for (int r = 0; r < kRows; ++r) y[r] = vsum(sums[r].sum);
  }
}

template <typename Q>
void multiply_one_token(const MatmulArgs& args, std::int64_t row_bytes) {
  const char* w = static_cast<const char*>(args.w);
  std::int64_t r = 0;
  for (; r + kTileRows <= args.rows; r += kTileRows) {
    multiply_rows<Q, kTileRows>(w + r * row_bytes, row_bytes, args.x, args.columns, args.y + r);
  }
  for (; r < args.rows; ++r) multiply_rows<Q, 1>(w + r * row_bytes, row_bytes, args.x, args.columns, args.y + r);
}

// --- more tokens ----------------------------------------------------------------------------------------------

/// A stretch of k that is multiplied at once.
struct Stretch {
  const float* panel;  ///< [kPanelRows, kPanelColumns], zeros from n to the next whole vector
  const float* x;      ///< [tokens, n], row stride x_stride
  std::int64_t x_stride;
  std::int64_t n;
  float* sums;  ///< [kChunkTokens, kPanelRows, kLanes]
  bool first;   ///< of the row: sums start from zero
};

/// Adds a tile's products to its sums.
template <int kRows, int kTokens>
void multiply_tile(const Stretch& s, std::int64_t row, std::int64_t token) {
  const float* panel = s.panel + row * kPanelColumns;
  const float* x = s.x + token * s.x_stride;
  float* sums = s.sums + (token * kPanelRows + row) * kLanes;
  F sum[kTokens][kRows];
  RETORT_UNROLL for (int t = 0; t < kTokens; ++t) {
    RETORT_UNROLL for (int r = 0; r < kRows; ++r) {
      sum[t][r] = s.first ? vzero() : vload(sums + (t * kPanelRows + r) * kLanes);
    }
  }
  std::int64_t k = 0;
  for (; k + kLanes <= s.n; k += kLanes) {
    F xs[kTokens];
    RETORT_UNROLL for (int t = 0; t < kTokens; ++t) xs[t] = vload(x + t * s.x_stride + k);
    RETORT_UNROLL for (int r = 0; r < kRows; ++r) {
      const F w = vload(panel + r * kPanelColumns + k);
      RETORT_UNROLL for (int t = 0; t < kTokens; ++t) sum[t][r] = vfma(w, xs[t], sum[t][r]);
    }
  }
  if (k < s.n) {
    RETORT_UNROLL for (int t = 0; t < kTokens; ++t) {
      const F xs = vload_first(x + t * s.x_stride + k, s.n - k);
      RETORT_UNROLL for (int r = 0; r < kRows; ++r) {
        sum[t][r] = vfma(vload(panel + r * kPanelColumns + k), xs, sum[t][r]);
      }
    }
  }
  RETORT_UNROLL for (int t = 0; t < kTokens; ++t) {
    RETORT_UNROLL for (int r = 0; r < kRows; ++r) vstore(sums + (t * kPanelRows + r) * kLanes, sum[t][r]);
  }
}

/// All rows of the panel for kTokens tokens.
template <int kTokens>
void multiply_rows_of_panel(const Stretch& s, std::int64_t rows, std::int64_t token) {
  std::int64_t r = 0;
  for (; r + kTileRows <= rows; r += kTileRows) multiply_tile<kTileRows, kTokens>(s, r, token);
  for (; r < rows; ++r) multiply_tile<1, kTokens>(s, r, token);
}

template <int kTokens>
void multiply_last_tokens(const Stretch& s, std::int64_t rows, std::int64_t token, std::int64_t tokens) {
  if (tokens == kTokens) return multiply_rows_of_panel<kTokens>(s, rows, token);
  if constexpr (kTokens > 1) multiply_last_tokens<kTokens - 1>(s, rows, token, tokens);
}

template <typename Q>
void multiply_panel(const MatmulArgs& args, std::int64_t row_bytes, std::int64_t r0, std::int64_t t0) {
  alignas(64) float panel[kPanelRows * kPanelColumns];
  alignas(64) float sums[kChunkTokens * kPanelRows * kLanes];
  const std::int64_t rows = args.rows - r0 < kPanelRows ? args.rows - r0 : kPanelRows;
  const std::int64_t tokens = args.tokens - t0 < kChunkTokens ? args.tokens - t0 : kChunkTokens;
  for (std::int64_t k0 = 0; k0 == 0 || k0 < args.columns; k0 += kPanelColumns) {  // no columns: zeros
    const std::int64_t n = args.columns - k0 < kPanelColumns ? args.columns - k0 : kPanelColumns;
    for (std::int64_t r = 0; r < rows; ++r) {
      const char* row = static_cast<const char*>(args.w) + (r0 + r) * row_bytes;
      float* out = panel + r * kPanelColumns;
      unpack_row<Q>(reinterpret_cast<const typename Q::Block*>(row) + k0 / Q::kElements, out, n);
      for (std::int64_t k = n; k % kLanes != 0; ++k) out[k] = 0;
    }
    const Stretch stretch{panel, args.x + t0 * args.x_stride + k0, args.x_stride, n, sums, k0 == 0};
    std::int64_t t = 0;
    for (; t + kTileTokens <= tokens; t += kTileTokens) multiply_rows_of_panel<kTileTokens>(stretch, rows, t);
    if (t < tokens) multiply_last_tokens<kTileTokens - 1>(stretch, rows, t, tokens - t);
  }
  for (std::int64_t t = 0; t < tokens; ++t) {
    float* y = args.y + (t0 + t) * args.y_stride + r0;
    const float* from = sums + t * kPanelRows * kLanes;
    for (std::int64_t r = 0; r < rows; ++r) y[r] = vsum(vload(from + r * kLanes));
  }
}

template <typename Q>
void matmul(const MatmulArgs& args) {
  const std::int64_t row_bytes =
      Q::kWholeBlocks ? args.columns / Q::kElements * static_cast<std::int64_t>(sizeof(typename Q::Block))
                      : args.columns * static_cast<std::int64_t>(sizeof(typename Q::Block)) / Q::kElements;
  if (args.tokens == 1) return multiply_one_token<Q>(args, row_bytes);
  for (std::int64_t t0 = 0; t0 < args.tokens; t0 += kChunkTokens) {
    for (std::int64_t r0 = 0; r0 < args.rows; r0 += kPanelRows) multiply_panel<Q>(args, row_bytes, r0, t0);
  }
}

template <typename Q>
void set_format(KernelTable& table, DType dtype) {
  table.dequantize[static_cast<int>(dtype)] = dequantize<Q>;
  table.matmul[static_cast<int>(dtype)] = matmul<Q>;
}

}  // namespace
}  // namespace retort
