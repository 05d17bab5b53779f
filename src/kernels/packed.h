// Weights as integer kernels read them, activations as integers, and what a product of the two is.
//
// A panel is 16 rows. Their codes lie interleaved in groups of 32 columns, so that one vector of 4-byte lanes holds the
// same four columns of as many rows as it has lanes, each row in a lane of its own: the instructions that multiply
// bytes (VPMADDUBSW, VPDPBUSD) add up four columns of a lane, and nothing is ever added across lanes. Rows beyond the
// last one of a weight are zeros.
//
//   codes of a group, 256 bytes:    byte 64 i + 4 r + j, low nibble   row r, column 8 i + j        (i 0..3, j 0..3)
//                                                        high nibble  row r, column 8 i + 4 + j
//   fifth bits of a group, 64:      byte 4 r + j, bit v               row r, column 4 v + j        (v 0..7)
//   bits 4 and 5 of a group, 128:   byte 64 h + 4 r + j, bits 2t, +1  row r, column 16 h + 4 t + j (h 0..1, t 0..3)
//   bytes of a group, 512:          byte 64 v + 4 r + j               row r, column 4 v + j, signed
//
// Records, one after another along the columns of a panel; d, m, s: one for each of the 16 rows:
//
//   256 columns   P4K  [ d 16 f16 ][ dmin 16 f16 ][ 8 x { s 16 u8, m 16 u8 } ][ 8 x codes 256 ]                  2368
//                 P5K  [ d 16 f16 ][ dmin 16 f16 ][ 8 x { s 16 u8, m 16 u8 } ][ 8 x { codes 256, fifth 64 } ]    2880
//                 P6K  [ d 16 f16 ][ 16 x { s 16 i8 } ][ 8 x { codes 256, bits45 128 } ]                         3360
//   32 columns    P4   [ d 16 f16 ][ codes 256 ]                                                                  288
//                 P5   [ d 16 f16 ][ codes 256 ][ fifth 64 ]                                                      352
//                 P8   [ d 16 f16 ][ bytes 512 ]                                                                  544
//   32 columns    P4G32    [ d 16 f32 ][ z 16 u8 ][ codes 256 ]                                                   336
//                 P8G32    [ d 16 f32 ][ z 16 i8 ][ bytes 512 ]                                                   592
//   128 columns   P4G128   [ d 16 f32 ][ z 16 u8 ][ 4 x codes 256 ]                                              1104
//                 P8G128   [ d 16 f32 ][ z 16 i8 ][ 4 x bytes 512 ]                                              2128
//
// Those with a G hold the integer schemes of safetensors: codes and zero points of 8 bits, 0 to 255, with 128 taken off
// both. z is at most 15 with 4 bits.
//
//   w = (d s) q - dmin m   P4K, P5K (s, m per 32 columns)
//   w = (d s) (q - 32)     P6K (s per 16 columns)
//   w = d (q - 8)          P4
//   w = d (q - 16)         P5
//   w = d q                P8
//   w = d (q - z)          P4G32, P4G128, P8G32, P8G128
//
// The product of row r and token t: int8 activations x, a scale X per token and group. For each group in the order of
// the columns, every step in fp32 rounded once, fma fused:
//
//   i   = sum of codes times activations, offsets, s and z included: an integer below 2^24 in magnitude, so exact
//         (32 terms of up to 127 * 255 with bytes and z: below 2^20)
//   acc = fma(i, d * X, acc)
//   acc = fma(-(dmin * m), xsum, acc)       P4K, P5K; dmin * m is exact
//
// So the bits are the same on every instruction set, for every tile of tokens and rows. (On AMX generated tokens meet
// K-quants by wide.h instead.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/dtype.h"

namespace retort {

/// Changes with the layouts above: files that hold panels of another version are not read.
inline constexpr int kPackedLayoutVersion = 1;

enum class PackedFormat : std::uint8_t { kP4K, kP5K, kP6K, kP4, kP5, kP8, kP4G32, kP4G128, kP8G32, kP8G128 };
inline constexpr std::size_t kPackedFormatCount = 10;

inline constexpr std::int64_t kPanelRows = 16;
inline constexpr std::int64_t kGroupColumns = 32;

struct PackedInfo {
  PackedFormat format;
  const char* name;             ///< "P4K"
  std::optional<DType> source;  ///< the dtype whose values it holds without loss; none: GroupedTile's
  std::int64_t record_columns;  ///< 256, 128 or 32
  std::int64_t record_bytes;    ///< of 16 rows
  int bits;                     ///< of a code
};
const PackedInfo& packed_info(PackedFormat format);
/// The format that holds rows of `columns` of `dtype` without loss, if there is one.
std::optional<PackedFormat> packed_format_for(DType dtype, std::int64_t columns);
/// The same for rows of `bits`-bit codes (4 or 8) of which `group_size` that lie together share a scale and a zero.
std::optional<PackedFormat> packed_format_for_groups(int bits, std::int64_t group_size, std::int64_t columns);
/// Bytes of a panel of `columns`, a multiple of record_columns.
std::int64_t panel_bytes(PackedFormat format, std::int64_t columns);

/// Packs `count` (1..16) rows of `info.source`, `row_stride` bytes apart, into one panel at `out` [panel_bytes].
void pack_panel(PackedFormat format, const void* rows, std::int64_t row_stride, std::int64_t count,
                std::int64_t columns, void* out);
/// What a record of a format without a source is made from: W[r, c] = scales[r] * (codes[r, c] - zeros[r]).
struct GroupedTile {
  const std::uint8_t* codes;  ///< [rows, record_columns], 0 to 2^bits - 1; row stride `stride`
  std::int64_t stride;
  const float* scales;        ///< [rows], any bits
  const std::uint8_t* zeros;  ///< [rows], 0 to 2^bits - 1
  std::int64_t rows;          ///< 1..16
};
/// One record at `out` [record_bytes]: record i of a panel has columns i * record_columns and what follows.
void pack_grouped_record(PackedFormat format, const GroupedTile& tile, void* out);

/// Row `row` (0..15) of a panel as fp32: the same bits as DequantizeFn of the source, or as scale * float(code - zero).
void unpack_row(PackedFormat format, const void* panel, std::int64_t row, std::int64_t columns, float* out);

/// What a group of 32 activations of one token has besides its codes.
struct ActivationGroup {
  float scale;            ///< X = max|x| / 127; NaN where an activation is NaN or infinite, 0 where all are tiny
  float sum;              ///< X * isum, rounded once
  std::int32_t isum;      ///< of the 32 codes
  std::int16_t minus[4];  ///< -32 times the sum of 8 codes each
};
static_assert(sizeof(ActivationGroup) == 20);

/// Tokens whose activations lie together: the token after it begins a new tile.
inline constexpr std::int64_t kTokenTile = 64;

inline constexpr std::int64_t kReadBehind = 16 * kGroupColumns;

/// `tokens` rows of activations, tile by tile. Tile i has n = min(64, tokens - 64 i) tokens and begins at token 64 i
/// times the columns (codes) and groups (side): codes [groups][n][32], side [groups][n].
/// Kernels that take tokens by the sixteen may read, and ignore, what lies behind the last one: kReadBehind elements
/// more of both.
struct QuantizedRows {
  std::int8_t* codes;     ///< [tokens * columns], 32-byte aligned
  ActivationGroup* side;  ///< [tokens * columns / 32]
  std::int64_t tokens;
  std::int64_t columns;
};

/// Quantizes groups [first_group, last_group) of all tokens: code = round to even(x * (127 / max|x|)). Groups whose
/// largest magnitude is below 2^-100 become zeros. The same bits on every instruction set.
struct QuantizeArgs {
  const float* x;  ///< [tokens, columns], row stride x_stride elements
  std::int64_t x_stride;
  QuantizedRows out;
  std::int64_t first_group;
  std::int64_t last_group;
};
using QuantizeRowsFn = void (*)(const QuantizeArgs& args);

/// y[t * y_stride + r] = row r of the panels times token t, as defined above, for 16 * panels rows of which the last
/// panel has `last_rows` (1..16) real ones: no others are written.
struct PackedMatmulArgs {
  const void* panels;  ///< [panels], 32-byte aligned
  QuantizedRows x;
  float* y;
  std::int64_t y_stride;
  std::int64_t panel_count;
  std::int64_t last_rows;
};
using PackedMatmulFn = void (*)(const PackedMatmulArgs& args);

}  // namespace retort
