// Products of bf16 tiles: the arithmetic of prompts on processors that have AMX ("The recipe of a token" in
// docs/engine.md). A tile instruction multiplies 16 rows of 32 bf16 by 32 times 16 of them.
//
// One product, of weights and activations, of queries and keys, or of attention's weights and values:
//
//   a, b   rounded to bf16, to nearest even
//   acc    from 0 (attention's sums: from what they were). For each step of 32 terms, in their order:
//            e   = chain over the even terms of fma(a, b, e), from 0
//            o   = chain over the odd terms of fma(a, b, o), from 0
//            acc = acc + (e + o)
//   in fp32, every operation rounded once to nearest even; subnormals count as zeros, given or made
//
// That is what TDPBF16PS does, so a plain twin gives the same bits (ref/tiles.cc), whatever tokens and rows share a
// call. Weights are rounded from exactly the fp32 value that their file gives.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kv_block.h"
#include "kernels/packed.h"

namespace retort {

inline constexpr std::int64_t kTileRows = 16;
inline constexpr std::int64_t kTileColumns = 32;
inline constexpr std::int64_t kTileElements = kTileRows * kTileColumns;

/// Activations as tiles of 16 tokens by 32 columns: [ceil(tokens / 16)][columns / 32][16][32]. Tokens beyond the last
/// are zeros. 64-byte aligned; `columns` is a multiple of 32.
struct TiledRows {
  std::uint16_t* tiles;
  std::int64_t tokens;
  std::int64_t columns;
};
/// Elements that `tokens` of `columns` take.
inline std::int64_t tiled_elements(std::int64_t tokens, std::int64_t columns) {
  return (tokens + kTileRows - 1) / kTileRows * kTileRows * columns;
}

/// Rounds tokens [16 first_tile, 16 last_tile) of x.
struct TileRowsArgs {
  const float* x;  ///< [tokens, columns], row stride x_stride elements
  std::int64_t x_stride;
  TiledRows out;
  std::int64_t first_tile;
  std::int64_t last_tile;
};
using TileRowsFn = void (*)(const TileRowsArgs& args);

/// Memory that a product works in, 64-byte aligned; no two threads' the same.
inline constexpr std::int64_t kTileScratchBytes = (1024 + 32) * 1024;

/// y[t * y_stride + r] = row r of the panels times token t, for 16 * panels rows of which the last panel has
/// `last_rows` (1..16) real ones: no others are written.
struct TileMatmulArgs {
  const void* panels;  ///< [panel_count] of packed.h
  TiledRows x;
  float* y;
  std::int64_t y_stride;
  std::int64_t panel_count;
  std::int64_t last_rows;
  std::byte* scratch;  ///< [kTileScratchBytes]
};
using TileMatmulFn = void (*)(const TileMatmulArgs& args);

/// What an MLP begins with: silu(gate x) * (up x) rounded to tiles, the same bits as two tile_matmul, silu_mul and
/// tile_rows, without the memory that their results would pass through. Panel p is columns [16 (first_panel + p), + 16)
/// of `out`, whose columns the two weights have as rows, a multiple of 32.
struct TileGatedArgs {
  const void* gate;  ///< [panel_count], all of 16 rows
  const void* up;    ///< [panel_count], of the same format
  TiledRows x;
  TiledRows out;
  std::int64_t first_panel;
  std::int64_t panel_count;
  std::byte* scratch;  ///< [kTileScratchBytes]
};
using TileGatedFn = void (*)(const TileGatedArgs& args);

/// How many bf16 stand for one fp32: the number rounded; or that, and then what the rounding took away, rounded itself,
/// together exact to 17 bits or so. Keys and values are a single bf16 either way, as the cache has them.
enum class TileParts { kOne = 1, kTwo = 2 };

/// Attention. As kv_block.h defines it, block by block and without splits, but:
///
///   s_p   products of tiles over the dimensions, for each part of q one, and their sum; then times scale (and K's
///         scale, and the offset's share) as there, the latter of q as it is, not rounded
///   out_d for each part of a weight one: times shrink, then products of tiles over the block's positions, of weights
///         (times V's scale) rounded to bf16. Positions that the row does not see have weight 0 and value 0, whatever
///         stands there.
///   At the end  out_d, the sum over the parts, times (1 / sum)

/// fp8's codes enter times 2^-120, where a shift puts them. So q is taken times a unit of 2^60 before it is rounded,
/// and the scale too; weights times V's scale likewise, and 1 / sum. All of that is exact, far from fp32's ends.
inline float tile_attention_unit(KvCacheType type) { return type == KvCacheType::kFp8E4m3 ? 0x1p60f : 1.0f; }

struct TileAttentionRow {
  const float* q;      ///< [head_dim]
  float* out;          ///< [head_dim]: the result
  std::int64_t first;  ///< sees positions [first, last), at least one of them
  std::int64_t last;
};

struct TileAttentionArgs {
  const KvBlockLayout* layout;     ///< bf16 or an 8-bit type, head_dim a multiple of 32
  const std::byte* const* blocks;  ///< [block_count]: this head's share of each
  std::int64_t block_count;
  std::int64_t first_position;  ///< of blocks[0], a multiple of 64
  const TileAttentionRow* rows;
  std::int64_t row_count;
  TileParts parts;     ///< of a query's elements and of the softmax's weights
  float scale;         ///< 1 / sqrt(head_dim)
  std::byte* scratch;  ///< [tile_attention_scratch(layout, parts, row_count)], 64-byte aligned
};
using TileAttentionFn = void (*)(const TileAttentionArgs& args);

/// Whether a layout is read by tiles; where not, attention is that of kv_block.h. A generated token's few queries, two
/// parts each, are multiplied sooner than int8 is widened for them (amx/attention.cc).
inline bool tiles_attend(const KvBlockLayout& layout, TileParts parts) {
  if (layout.type == KvCacheType::kF32 || layout.head_dim % kTileColumns != 0) return false;
  return parts == TileParts::kOne || layout.type != KvCacheType::kInt8;
}
/// Rows of the queries that share a tile: with two parts a row takes two of the tile's.
inline std::int64_t tile_attention_rows(TileParts parts) { return kTileRows / static_cast<std::int64_t>(parts); }
/// Bytes: a block's keys or values in bf16, and of each row its query, sums, scores, weights, maximum and total.
inline std::int64_t tile_attention_scratch(const KvBlockLayout& layout, TileParts parts, std::int64_t row_count) {
  const std::int64_t in_tile = tile_attention_rows(parts);
  const std::int64_t rows = (row_count + in_tile - 1) / in_tile * kTileRows;
  return kKvBlockPositions * layout.head_dim * 2 +
         rows * (layout.head_dim * (2 + 4) + kKvBlockPositions * (4 + 2) + 4 * 4);
}

}  // namespace retort
