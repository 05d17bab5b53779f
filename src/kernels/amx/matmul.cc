// Products of packed weights and prompts, in bf16 tiles (kernels/tiles.h).
//
// A weight is expanded to bf16 once per block of 1,024 tokens, which costs some 0.3 cycles; multiplying it by a token's
// activation costs a 512th of a cycle. So at 512 tokens expanding takes a quarter of the time that tiles take at best,
// and a weight with 100 tokens or fewer is bound by it.
//
// What stays where: 32 rows by 512 columns of weights are 32 KiB of L1, where what streams past is told not to stay; up
// to 1,024 tokens by 512 columns are 1 MiB of L2, read at 32 bytes a cycle by one pair of panels after the other; the
// sums of all tokens and rows of a block are 1 MiB more, read and written once per 512 columns. What comes from beyond
// L2 are the activations, once for all rows of a block: with 512 rows a byte for 256 products.
#include "kernels/avx512/int8.h"
// (int8.h first: simd/packed_formats.h is written in its terms)
#include "kernels/amx/tile.h"
#include "kernels/simd/math.h"
#include "kernels/simd/packed_formats.h"
#include "kernels/tables.h"

namespace retort {
namespace {

constexpr std::int64_t kBlockTokens = 1024;
constexpr std::int64_t kBlockPanels = 32;
constexpr std::int64_t kBlockSteps = 16;  // 512 columns
constexpr std::int64_t kSumBytes = 1024 * kTileBytes;
static_assert(kSumBytes + 2 * kBlockSteps * kTileBytes <= kTileScratchBytes);

/// A group of a panel as numbers: value = code * factor + offset, of columns 0 to 15 and 16 to 31. The product of code
/// and factor is exact, so the value is rounded at most once, as in the file's own format.
struct Affine {
  F factor[2];
  F offset[2];
};

template <int kBits, int kGroupBytes>
RETORT_INLINE Affine affine(const SuperMin<kBits, kGroupBytes>&, const std::uint8_t* record, std::int64_t g) {
  const std::uint8_t* scales = SuperMin<kBits, kGroupBytes>::scales(record, g);
  const F factor = vmul(vload_f16(record), float_u8(scales));
  const F offset = vsub(vzero(), vmul(vload_f16(record + 32), float_u8(scales + 16)));
  return {{factor, factor}, {offset, offset}};
}
RETORT_INLINE Affine affine(const P6K&, const std::uint8_t* record, std::int64_t g) {
  const std::uint8_t* scales = P6K::scales(record, g);
  const F d = vload_f16(record);
  const F first = vmul(d, to_float(scales_i8(scales)));
  const F second = vmul(d, to_float(scales_i8(scales + 16)));
  return {{first, second}, {vmul(first, vset(-32.0f)), vmul(second, vset(-32.0f))}};
}
template <int kBits, int kOffsetBits, int kBytes>
RETORT_INLINE Affine affine(const Direct<kBits, kOffsetBits, kBytes>&, const std::uint8_t* record, std::int64_t) {
  const F d = vload_f16(record);
  // Signed bytes are made unsigned by adding 128.
  const F offset = vmul(d, vset(kBits == 8 ? -128.0f : -static_cast<float>(1 << kOffsetBits)));
  return {{d, d}, {offset, offset}};
}

/// The same for rows with zero points: value = (code + offset) * factor, the sum exact, so rounded as in the file's
/// scheme with scales of 24 bits as well.
template <int kBits, int kGroups>
RETORT_INLINE Affine affine(const Grouped<kBits, kGroups>&, const std::uint8_t* record, std::int64_t) {
  const F factor = Grouped<kBits, kGroups>::scales(record, 0);
  const F zero = to_float(Grouped<kBits, kGroups>::zeros(record, 0));
  const F offset = vsub(vset(kBits == 8 ? -128.0f : 0.0f), zero);
  return {{factor, factor}, {offset, offset}};
}
template <typename Format>
RETORT_INLINE F value_of(const Format&, F code, F factor, F offset) {
  return vfma(code, factor, offset);
}
template <int kBits, int kGroups>
RETORT_INLINE F value_of(const Grouped<kBits, kGroups>&, F code, F factor, F offset) {
  return vmul(vadd(code, offset), factor);
}

/// Lane l of row half h and pair of columns c: the byte of row 8 h + l / 2, column c + l % 2, alone in its lane.
struct PairLanes {
  I index[2][2];  // [h][c / 2]
  I rows[2];      // lane l: 8 h + l / 2
};
RETORT_INLINE PairLanes pair_lanes() {
  PairLanes out;
  RETORT_UNROLL for (int h = 0; h < 2; ++h) {
    const I lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    out.rows[h] = iadd(_mm512_srli_epi32(lane, 1), iset(8 * h));
    const I byte = iadd(_mm512_slli_epi32(out.rows[h], 2), iand(lane, iset(1)));
    out.index[h][0] = byte;
    out.index[h][1] = iadd(byte, iset(2));
  }
  return out;
}

/// Group g of a panel's record as the tile [16 pairs of columns][16 rows][2].
template <typename Format>
RETORT_INLINE void expand_group(const std::uint8_t* record, std::int64_t g, const PairLanes& lanes, std::byte* tile) {
  const Affine a = affine(Format{}, record, g);
  F factor[2][2];
  F offset[2][2];
  RETORT_UNROLL for (int part = 0; part < 2; ++part) {
    RETORT_UNROLL for (int h = 0; h < 2; ++h) {
      factor[part][h] = _mm512_permutexvar_ps(lanes.rows[h], a.factor[part]);
      offset[part][h] = _mm512_permutexvar_ps(lanes.rows[h], a.offset[part]);
    }
  }
  I w[8];
  load_codes<Format::kBits>(Format::codes(record, g), 0, w);
  if constexpr (Format::kBits == 8) {  // made unsigned by adding 128
    RETORT_UNROLL for (int v = 0; v < 8; ++v) w[v] = _mm512_xor_si512(w[v], iset_bytes(-128));
  }
  RETORT_UNROLL for (int v = 0; v < 8; ++v) {
    RETORT_UNROLL for (int c = 0; c < 2; ++c) {
      F values[2];
      RETORT_UNROLL for (int h = 0; h < 2; ++h) {
        const I code = _mm512_maskz_permutexvar_epi8(0x1111111111111111u, lanes.index[h][c], w[v]);
        values[h] = value_of(Format{}, to_float(code), factor[v / 4][h], offset[v / 4][h]);
      }
      _mm512_store_si512(tile + 64 * (2 * v + c), round_to_bf16(values[0], values[1]));
    }
  }
}

/// Steps [first, last) of one panel, a tile each, at out[step][kColumns tiles].
template <typename Format>
void expand_panel(const std::uint8_t* panel, std::int64_t first, std::int64_t last, std::byte* out) {
  const PairLanes lanes = pair_lanes();
  for (std::int64_t s = first; s < last; ++s) {
    const std::uint8_t* record = panel + s / Format::kRecordGroups * Format::kRecordBytes;
    fetch_ahead<Format>(panel, s);
    expand_group<Format>(record, s % Format::kRecordGroups, lanes, out);
    out += kTileBytes;
  }
}

/// One block of tokens, panels and steps, in tiles.
struct Block {
  const std::byte* x;    ///< first token tile's first step
  std::int64_t x_tile;   ///< bytes from one token tile to the next
  std::int64_t x_tiles;  ///< token tiles
  std::byte* sums;       ///< of this pair's first panel: [token tiles] that lie sum_tile bytes apart
  std::int64_t sum_tile;
  const std::byte* w;  ///< [panels of the pair][steps]
  std::int64_t steps;
  bool first;  ///< sums start from 0
};

template <int kColumns>
void multiply_block(const Block& b) {
  for (std::int64_t tile = 0; tile < b.x_tiles; ++tile) {
    std::byte* sums = b.sums + tile * b.sum_tile;
    if (b.first) {
      sums_zero<kColumns>();
    } else {
      sums_load<kColumns>(sums);
    }
    tile_products<kColumns>({.first = b.x + tile * b.x_tile, .step = kTileBytes},
                            {.first = b.w, .step = kTileBytes, .next_column = b.steps * kTileBytes}, b.steps);
    sums_store<kColumns>(sums);
  }
}

/// The sums of `count` tokens from `first` on and of `panels` panels, [token tiles][panels], into scratch; source(p) is
/// where panel p begins.
template <typename Format, typename Source>
RETORT_INLINE void multiply_panels(const TiledRows& x, std::byte* scratch, std::int64_t first, std::int64_t count,
                                   std::int64_t panels, const Source& source) {
  const std::int64_t steps = x.columns / kTileColumns;
  std::byte* w = scratch + kSumBytes;
  for (std::int64_t step = 0; step < steps; step += kBlockSteps) {
    const std::int64_t end = step + kBlockSteps < steps ? step + kBlockSteps : steps;
    const std::int64_t x_tile = first / kTileRows * steps + step;
    for (std::int64_t p = 0; p < panels; p += 2) {
      const bool pair = p + 1 < panels;
      expand_panel<Format>(source(p), step, end, w);
      if (pair) expand_panel<Format>(source(p + 1), step, end, w + (end - step) * kTileBytes);
      const Block block{.x = reinterpret_cast<const std::byte*>(x.tiles) + x_tile * kTileBytes,
                        .x_tile = steps * kTileBytes,
                        .x_tiles = (count + kTileRows - 1) / kTileRows,
                        .sums = scratch + p * kTileBytes,
                        .sum_tile = panels * kTileBytes,
                        .w = w,
                        .steps = end - step,
                        .first = step == 0};
      if (pair) {
        multiply_block<2>(block);
      } else {
        multiply_block<1>(block);
      }
    }
  }
}

/// Calls part(first token, tokens, first panel, panels) for blocks that cover all of them and whose sums fit.
template <typename Part>
RETORT_INLINE void for_blocks(std::int64_t tokens, std::int64_t panels, const Part& part) {
  for (std::int64_t token = 0; token < tokens; token += kBlockTokens) {
    const std::int64_t left = tokens - token;
    const std::int64_t count = left < kBlockTokens ? left : kBlockTokens;
    const std::int64_t room = kSumBytes / ((count + kTileRows - 1) / kTileRows * kTileBytes) / 2 * 2;
    const std::int64_t most = room < kBlockPanels ? room : kBlockPanels;
    for (std::int64_t panel = 0; panel < panels; panel += most) {
      const std::int64_t rest = panels - panel;
      part(token, count, panel, rest < most ? rest : most);
    }
  }
}

template <typename Format>
std::int64_t bytes_of_panel(const TiledRows& x) {
  return x.columns / kTileColumns / Format::kRecordGroups * Format::kRecordBytes;
}

template <typename Format>
void tile_matmul(const TileMatmulArgs& a) {
  const Tiles tiles;
  const std::int64_t bytes = bytes_of_panel<Format>(a.x);
  for_blocks(a.x.tokens, a.panel_count,
             [&](std::int64_t first, std::int64_t count, std::int64_t panel, std::int64_t panels) {
               const auto* source = static_cast<const std::uint8_t*>(a.panels) + panel * bytes;
               multiply_panels<Format>(a.x, a.scratch, first, count, panels,
                                       [&](std::int64_t p) { return source + p * bytes; });
               for (std::int64_t t = 0; t < count; ++t) {
                 float* y = a.y + (first + t) * a.y_stride + panel * kPanelRows;
                 const std::byte* sums = a.scratch + t / kTileRows * panels * kTileBytes + t % kTileRows * kTileStride;
                 for (std::int64_t p = 0; p < panels; ++p) {
                   const F values = _mm512_load_ps(sums + p * kTileBytes);
                   if (panel + p + 1 == a.panel_count) {
                     vstore_first(y + p * kPanelRows, values, a.last_rows);
                   } else {
                     vstore(y + p * kPanelRows, values);
                   }
                 }
               }
             });
}

/// A gate's panel and the same one of up are a pair, so their sums lie side by side.
template <typename Format>
void tile_gated(const TileGatedArgs& a) {
  const Tiles tiles;
  const std::int64_t bytes = bytes_of_panel<Format>(a.x);
  const std::int64_t out_steps = a.out.columns / kTileColumns;
  const std::uint8_t* const weights[] = {static_cast<const std::uint8_t*>(a.gate),
                                         static_cast<const std::uint8_t*>(a.up)};
  for_blocks(a.x.tokens, 2 * a.panel_count,
             [&](std::int64_t first, std::int64_t count, std::int64_t panel, std::int64_t panels) {
               multiply_panels<Format>(a.x, a.scratch, first, count, panels,
                                       [&](std::int64_t p) { return weights[p % 2] + (panel + p) / 2 * bytes; });
               const std::int64_t rows = (count + kTileRows - 1) / kTileRows * kTileRows;
               for (std::int64_t t = 0; t < rows; ++t) {
                 const std::byte* sums = a.scratch + t / kTileRows * panels * kTileBytes + t % kTileRows * kTileStride;
                 auto* out = reinterpret_cast<std::byte*>(a.out.tiles) +
                             (first + t) / kTileRows * out_steps * kTileBytes + t % kTileRows * kTileStride;
                 for (std::int64_t p = 0; p < panels; p += 2) {
                   const F g = _mm512_load_ps(sums + p * kTileBytes);
                   const F silu = vdiv(g, vadd(vset(1.0f), vexp(vsub(vzero(), g))));
                   const F value = vmul(silu, _mm512_load_ps(sums + (p + 1) * kTileBytes));
                   const std::int64_t column = a.first_panel + (panel + p) / 2;
                   _mm256_store_si256(
                       reinterpret_cast<__m256i*>(out + column / 2 * kTileBytes + column % 2 * (kTileStride / 2)),
                       reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(value)));
                 }
               }
             });
}

void tile_rows(const TileRowsArgs& a) {
  const std::int64_t steps = a.out.columns / kTileColumns;
  for (std::int64_t t = a.first_tile * kTileRows; t < a.last_tile * kTileRows; ++t) {
    auto* out =
        reinterpret_cast<std::byte*>(a.out.tiles) + t / kTileRows * steps * kTileBytes + t % kTileRows * kTileStride;
    const float* x = a.x + t * a.x_stride;
    for (std::int64_t s = 0; s < steps; ++s, out += kTileBytes) {
      const I values = t < a.out.tokens ? round_to_bf16(vload(x + s * kTileColumns), vload(x + s * kTileColumns + 16))
                                        : _mm512_setzero_si512();
      _mm512_store_si512(out, values);
    }
  }
}

}  // namespace

void fill_amx_matmul(KernelTable& table) {
  table.tile_rows = tile_rows;
  table.tile_matmul[static_cast<int>(PackedFormat::kP4K)] = tile_matmul<P4K>;
  table.tile_gated[static_cast<int>(PackedFormat::kP4K)] = tile_gated<P4K>;
  table.tile_matmul[static_cast<int>(PackedFormat::kP5K)] = tile_matmul<P5K>;
  table.tile_gated[static_cast<int>(PackedFormat::kP5K)] = tile_gated<P5K>;
  table.tile_matmul[static_cast<int>(PackedFormat::kP6K)] = tile_matmul<P6K>;
  table.tile_gated[static_cast<int>(PackedFormat::kP6K)] = tile_gated<P6K>;
  table.tile_matmul[static_cast<int>(PackedFormat::kP4)] = tile_matmul<P4>;
  table.tile_gated[static_cast<int>(PackedFormat::kP4)] = tile_gated<P4>;
  table.tile_matmul[static_cast<int>(PackedFormat::kP5)] = tile_matmul<P5>;
  table.tile_gated[static_cast<int>(PackedFormat::kP5)] = tile_gated<P5>;
  table.tile_matmul[static_cast<int>(PackedFormat::kP8)] = tile_matmul<P8>;
  table.tile_gated[static_cast<int>(PackedFormat::kP8)] = tile_gated<P8>;
  table.tile_matmul[static_cast<int>(PackedFormat::kP4G32)] = tile_matmul<P4G32>;
  table.tile_gated[static_cast<int>(PackedFormat::kP4G32)] = tile_gated<P4G32>;
  table.tile_matmul[static_cast<int>(PackedFormat::kP4G128)] = tile_matmul<P4G128>;
  table.tile_gated[static_cast<int>(PackedFormat::kP4G128)] = tile_gated<P4G128>;
  table.tile_matmul[static_cast<int>(PackedFormat::kP8G32)] = tile_matmul<P8G32>;
  table.tile_gated[static_cast<int>(PackedFormat::kP8G32)] = tile_gated<P8G32>;
  table.tile_matmul[static_cast<int>(PackedFormat::kP8G128)] = tile_matmul<P8G128>;
  table.tile_gated[static_cast<int>(PackedFormat::kP8G128)] = tile_gated<P8G128>;
}

}  // namespace retort
