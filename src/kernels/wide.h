// K-quants times activations of 12 bits: what generated tokens are computed with on processors that have AMX.
//
// An integer product of 256 columns is exact whoever adds it up, so one token may be computed with VPDPBUSD and sixteen
// with tiles. For that all 256 columns must share a scale, and then 8 bits are too few for activations: with them the
// 1.5B's median divergence was five times that of a scale for each 32. Twelve bits, in two bytes, lost
// no more than fifteen did (docs/engine.md, Numbers), and leave every sum within 32 bits. What is left out of S is at
// most 3 of a scale's 63 (P5K: 7) times 8 of an activation's 2039; the 1.5B's mean divergence is 0.00028 with that and
// 0.00016 without.
//
// The product of row r and token t of P4K, P5K, P6K (kernels/packed.h has d, s, m, q, dmin). For each 256 columns, in
// order, every step in fp32 rounded once, fma fused:
//
//   X    = max|x| / 2039, the scale of the 256 activations; n = round to even(x * (2039 / max|x|))
//   n    = 16 high + low, low from -8 to 7, high from -127 to 127
//   s    = s1 + s2, s2 its last two bits (P5K: three)
//   S    = sum over the 256 columns of q * (s * 16 high + s1 * low): exact, within 32 bits. q * s2 * low is left out
//          (P6K: of s * (q - 32) * n, nothing is left out)
//   h_g  = floor((sum of n over the 32 columns of group g + 1) / 2), 16 bits
//   M    = sum over the 8 groups of m * h: exact, below 2^24 where m has its 6 bits
//   P6K:        acc = fma(S * d, X, acc)                               S rounded to fp32 first
//   P4K, P5K:   acc = fma(fma(M, -2 dmin, S * d), X, acc)              likewise M
#pragma once

#include <cstdint>

#include "kernels/packed.h"

namespace retort {

inline constexpr std::int64_t kWideColumns = 256;  ///< that share a scale
inline constexpr std::int64_t kWideTokens = 16;    ///< of a tile
inline constexpr std::int64_t kWideStep = 64;      ///< columns that lie together
inline constexpr int kWideMost = 127 * 16 + 7;     ///< the largest n
inline constexpr int kWidePairs = 4;               ///< of h, of 256 columns
inline constexpr int kWideOffsets = 16;            ///< of 256 columns

/// Formats whose products these are.
inline bool is_wide(PackedFormat format) {
  return format == PackedFormat::kP4K || format == PackedFormat::kP5K || format == PackedFormat::kP6K;
}

/// `tokens` rows of activations in tiles of 16, the last one of n = 1 to 16. Within a tile:
///   codes    [columns / 64][high, low][n][64]
///   scales   [columns / 256][n]       X: NaN where an activation is NaN or infinite, 0 where all are tiny
///   pairs    [columns / 256][4][n]    h of groups 2i (lower half) and 2i + 1, for P4K and P5K
///   offsets  [columns / 256][16][n]   -32 times the sum of n over 16 columns, for P6K
/// 64-byte aligned codes; columns are a multiple of 256.
struct WideRows {
  std::int8_t* codes;
  float* scales;
  std::int32_t* pairs;
  std::int32_t* offsets;
  std::int64_t tokens;
  std::int64_t columns;

  static std::int64_t code_count(std::int64_t tokens, std::int64_t columns) { return tokens * columns * 2; }
  static std::int64_t scale_count(std::int64_t tokens, std::int64_t columns) {
    return tokens * (columns / kWideColumns);
  }
  static std::int64_t pair_count(std::int64_t tokens, std::int64_t columns) {
    return tokens * (columns / kWideColumns) * kWidePairs;
  }
  static std::int64_t offset_count(std::int64_t tokens, std::int64_t columns) {
    return tokens * (columns / kWideColumns) * kWideOffsets;
  }
};

/// One tile of them.
struct WideTile {
  std::int8_t* codes;
  float* scales;
  std::int32_t* pairs;
  std::int32_t* offsets;
  std::int64_t count;  ///< n

  /// Of token t and plane 0 (high) or 1 (low), the codes of step s.
  [[nodiscard]] std::int8_t* step(std::int64_t s, int plane, std::int64_t t) const {
    return codes + ((s * 2 + plane) * count + t) * kWideStep;
  }
  [[nodiscard]] float* scale(std::int64_t record) const { return scales + record * count; }
  [[nodiscard]] std::int32_t* pair(std::int64_t record, int i) const {
    return pairs + (record * kWidePairs + i) * count;
  }
  [[nodiscard]] std::int32_t* offset(std::int64_t record, int i) const {
    return offsets + (record * kWideOffsets + i) * count;
  }
};
/// Tile i of `rows`.
inline WideTile wide_tile(const WideRows& rows, std::int64_t i) {
  const std::int64_t first = i * kWideTokens;
  const std::int64_t left = rows.tokens - first;
  return {rows.codes + WideRows::code_count(first, rows.columns),
          rows.scales + WideRows::scale_count(first, rows.columns),
          rows.pairs + WideRows::pair_count(first, rows.columns),
          rows.offsets + WideRows::offset_count(first, rows.columns), left < kWideTokens ? left : kWideTokens};
}

/// Rounds columns [256 first_record, 256 last_record) of all tokens. Where the largest magnitude of 256 is below 2^-100
/// they become zeros.
struct WideRowsArgs {
  const float* x;  ///< [tokens, columns], row stride x_stride elements
  std::int64_t x_stride;
  WideRows out;
  std::int64_t first_record;
  std::int64_t last_record;
};
using WideRowsFn = void (*)(const WideRowsArgs& args);

/// y[t * y_stride + r] = row r of the panels times token t, for 16 * panels rows of which the last panel has
/// `last_rows` (1..16) real ones: no others are written.
struct WideMatmulArgs {
  const void* panels;  ///< [panel_count] of packed.h
  WideRows x;
  float* y;
  std::int64_t y_stride;
  std::int64_t panel_count;
  std::int64_t last_rows;
};
using WideMatmulFn = void (*)(const WideMatmulArgs& args);

}  // namespace retort
