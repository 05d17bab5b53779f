// K-quants times activations of 15 bits (kernels/wide.h) in integer tiles: five tokens and more.
//
// A weight is s * q, of 10 to 13 bits: two bytes. 4- and 5-bit codes times 3 of the scale's 6 bits stay below
// 256, so one VPMULLW multiplies two codes, 64 for two of them; 6-bit ones are multiplied as 16-bit numbers and split.
// So 256 columns of a panel become 2 planes of 4 tiles, and 16 tokens 2 planes of 4: 16 products of 16 cycles. They are
// added up once: 4 sums to load, 2 conversions, FMAs; and 8 more for the minima.
//
// For 512 weights and 16 tokens, 32 cycles of tiles, 25 of expanding (once for 32 tokens) and 17 of adding up. While
// one panel's 256 columns are multiplied, the next one's are expanded and the sums of one before are added up, a piece
// behind each product; yet the three take some 80 cycles together (docs/engine.md, On AMX).
#pragma once

#include "kernels/amx/tile.h"
#include "kernels/amx/wide_parts.h"

namespace retort {
namespace {

constexpr std::int64_t kPanelsTogether = 4;  // whose sums wait in L1 or L2 while 256 columns of activations stay in L1
constexpr std::int64_t kTilesTogether = 2;   // that share an expanded panel

/// 256 columns of a panel as tiles: [step][high, low][16 rows of four columns][16 rows][4].
struct alignas(64) ExpandedRecord {
  std::uint8_t planes[kSteps][2][kTileBytes];
};
/// Sums of a tile of tokens: [plane of the weight * 2 + plane of the activations][token][row].
struct alignas(64) TileSums {
  std::int32_t planes[4][kWideTokens][16];
};

/// Group g of 8.
template <typename Format>
RETORT_INLINE void expand_group(const std::uint8_t* record, std::int64_t g, ExpandedRecord& out, RecordScales& scales) {
  std::uint8_t(&planes)[2][kTileBytes] = out.planes[g / 2];
  const std::int64_t at = g % 2 * (kTileBytes / 2);
  Split<Format>::expand(record, g, planes[0] + at, planes[1] + at);
  take_minus_min<Format>(record, g, scales);
  if (g == 0) take_d<Format>(record, scales);
}

template <typename Format, int kSum, int kLeft, int kRight>
RETORT_INLINE void weight_product() {
  if constexpr (Split<Format>::kSignedPlanes) {
    tile_integer_product<kSum, kLeft, kRight>();
  } else {
    tile_product_with_unsigned<kSum, kLeft, kRight>();
  }
}

/// Asks for every sixteenth line of a record, from line `slot` on: a few at a time leave the tiles' loads their way.
template <typename Format>
RETORT_INLINE void fetch_some(const std::uint8_t* record, std::int64_t slot) {
  if (record == nullptr) return;
  RETORT_UNROLL for (std::int64_t at = 64 * slot; at < Format::kRecordBytes; at += 64 * 16) {
    __builtin_prefetch(record + at, 0, 3);
  }
}

/// One of a step's four products. Each differs from the one before in one factor, so that two registers do for these.
template <typename Format>
RETORT_INLINE void multiply_part(const WideTile& x, std::int64_t record, std::int64_t step, const ExpandedRecord& w,
                                 int part) {
  const std::int64_t at = record * kSteps + step;
  if (part == 0) {
    tile_load<4>(x.step(at, 0, 0), kWideStep);
    tile_load<6>(w.planes[step][0], kTileStride);
    weight_product<Format, 0, 4, 6>();
  }
  if (part == 1) {
    tile_load<6>(w.planes[step][1], kTileStride);
    weight_product<Format, 2, 4, 6>();
  }
  if (part == 2) {
    tile_load<4>(x.step(at, 1, 0), kWideStep);
    weight_product<Format, 3, 4, 6>();
  }
  if (part == 3) {
    tile_load<6>(w.planes[step][0], kTileStride);
    weight_product<Format, 1, 4, 6>();
  }
}

RETORT_INLINE void store_tiles(TileSums& out) {
  tile_store<0>(out.planes[0], kTileStride);
  tile_store<1>(out.planes[1], kTileStride);
  tile_store<2>(out.planes[2], kTileStride);
  tile_store<3>(out.planes[3], kTileStride);
}

/// Adds kTokens tokens of a tile up, from `first` on: sums [16 tokens][16 rows].
template <typename Format, int kTokens>
RETORT_INLINE void add_tokens(const TileSums& products, const RecordScales& scales, const WideTile& x,
                              std::int64_t record, std::int64_t first, float* sums) {
  constexpr int kShift = Split<Format>::kShift;
  I high[kTokens];
  I low[kTokens];
  F acc[kTokens];
  RETORT_UNROLL for (int t = 0; t < kTokens; ++t) {
    const auto plane = [&](int i) { return _mm512_load_si512(products.planes[i][first + t]); };
    high[t] = iadd(_mm512_slli_epi32(plane(0), kShift), plane(2));
    low[t] = iadd(_mm512_slli_epi32(plane(1), kShift), plane(3));
    acc[t] = _mm512_load_ps(sums + 16 * (first + t));
  }
  add_record<Format, kTokens>(high, low, scales, x, record, first, acc);
  RETORT_UNROLL for (int t = 0; t < kTokens; ++t) _mm512_store_ps(sums + 16 * (first + t), acc[t]);
}
/// Tokens `first` and the one after it, if there are as many.
template <typename Format>
RETORT_INLINE void add_pair(const TileSums& products, const RecordScales& scales, const WideTile& x,
                            std::int64_t record, std::int64_t first, float* sums) {
  if (first + 2 <= x.count) {
    add_tokens<Format, 2>(products, scales, x, record, first, sums);
  } else if (first < x.count) {
    add_tokens<Format, 1>(products, scales, x, record, first, sums);
  }
}

/// What multiply_wide_tiles() works in.
struct WideWork {
  ExpandedRecord expanded;               ///< of the item that is multiplied, and step by step of the next one
  RecordScales scales[4];                ///< those of the two before as well
  TileSums products[2][kTilesTogether];  ///< the item that is multiplied and the one before
  alignas(64) float sums[kPanelsTogether][kTilesTogether][kWideTokens * 16];
};

/// 256 columns of a panel: all panels have their turn before the next columns.
struct WideItem {
  std::int64_t record = 0;
  std::int64_t panel = 0;
  void advance(std::int64_t panels) {
    if (++panel < panels) return;
    panel = 0;
    ++record;
  }
};

/// kTiles tiles of tokens times up to kPanelsTogether panels.
template <typename Format, int kTiles>
void multiply_wide_tiles(const WideMatmulArgs& a, const WideTile* x, std::int64_t first_token, std::int64_t first_panel,
                         std::int64_t panels, WideWork& work) {
  const std::int64_t records = a.x.columns / kWideColumns;
  const std::int64_t bytes = records * Format::kRecordBytes;
  const auto* weights = static_cast<const std::uint8_t*>(a.panels) + first_panel * bytes;
  const auto source = [&](const WideItem& i) { return weights + i.panel * bytes + i.record * Format::kRecordBytes; };
  for (std::int64_t p = 0; p < panels; ++p) {
    for (int i = 0; i < kTiles; ++i) {
      for (float& sum : work.sums[p][i]) sum = 0;
    }
  }
  WideItem done;  // what is added up: the item before the one before
  WideItem before;
  WideItem now;
  WideItem next;
  WideItem ahead;
  for (std::int64_t g = 0; g < 8; ++g) expand_group<Format>(weights, g, work.expanded, work.scales[0]);
  next.advance(panels);
  ahead = next;
  ahead.advance(panels);
  for (std::int64_t i = 0; i < records * panels + 2; ++i) {
    const bool multiplies = i < records * panels;
    const std::uint8_t* const to_make = next.record < records ? source(next) : nullptr;
    const std::uint8_t* const to_fetch = ahead.record < records ? source(ahead) : nullptr;
    RETORT_UNROLL for (int tile = 0; tile < kTiles; ++tile) {
      TileSums& products = work.products[i % 2][tile];  // those of `done` until they are overwritten
      if (multiplies) {
        tile_zero<0>();
        tile_zero<1>();
        tile_zero<2>();
        tile_zero<3>();
      }
      RETORT_UNROLL for (std::int64_t step = 0; step < kSteps; ++step) {
        RETORT_UNROLL for (int part = 0; part < 4; ++part) {
          if (multiplies) multiply_part<Format>(x[tile], now.record, step, work.expanded, part);
          if (tile == 0) fetch_some<Format>(to_fetch, 4 * step + part);
          if (part < 2 && i > 1) {
            add_pair<Format>(products, work.scales[(i + 2) % 4], x[tile], done.record, 4 * step + 2 * part,
                             work.sums[done.panel][tile]);
          }
        }
        // The step's planes have been loaded for the last time.
        if (tile + 1 == kTiles && to_make != nullptr) {
          expand_group<Format>(to_make, 2 * step, work.expanded, work.scales[(i + 1) % 4]);
          expand_group<Format>(to_make, 2 * step + 1, work.expanded, work.scales[(i + 1) % 4]);
        }
      }
      if (multiplies) store_tiles(products);
    }
    done = before;
    before = now;
    now = next;
    next.advance(panels);
    ahead.advance(panels);
  }
  for (std::int64_t p = 0; p < panels; ++p) {
    const std::int64_t rows = first_panel + p + 1 == a.panel_count ? a.last_rows : kPanelRows;
    for (int i = 0; i < kTiles; ++i) {
      for (std::int64_t t = 0; t < x[i].count; ++t) {
        float* y = a.y + (first_token + i * kWideTokens + t) * a.y_stride + (first_panel + p) * kPanelRows;
        store_sums(y, _mm512_load_ps(work.sums[p][i] + 16 * t), rows);
      }
    }
  }
}

template <typename Format>
void wide_tiles(const WideMatmulArgs& a) {
  WideWork work;
  for (std::int64_t first = 0; first < a.x.tokens;) {
    const bool both = a.x.tokens - first >= 2 * kWideTokens;
    const std::int64_t tile = first / kWideTokens;
    const WideTile x[kTilesTogether] = {wide_tile(a.x, tile), wide_tile(a.x, both ? tile + 1 : tile)};
    const Tiles tiles(64, 16, static_cast<int>(x[0].count));
    for (std::int64_t p = 0; p < a.panel_count; p += kPanelsTogether) {
      const std::int64_t left = a.panel_count - p;
      const std::int64_t panels = left < kPanelsTogether ? left : kPanelsTogether;
      if (both) {
        multiply_wide_tiles<Format, 2>(a, x, first, p, panels, work);
      } else {
        multiply_wide_tiles<Format, 1>(a, x, first, p, panels, work);
      }
    }
    first += both ? 2 * kWideTokens : x[0].count;
  }
}

}  // namespace
}  // namespace retort
