// K-quants times activations of 12 bits (kernels/wide.h) in integer tiles: five tokens and more.
//
// A weight is s * q, of 10 to 13 bits: two bytes. 4-bit codes times 4 of the scale's bits (5-bit ones times 3) stay
// below 256, so one VPMULLW multiplies two codes, 64 for two of them; 6-bit ones are multiplied as 16-bit numbers and
// split. So 256 columns of a panel become 2 planes of 4 tiles, and 16 tokens 2 planes of 4: 12 products of 16 cycles,
// 16 for 6-bit codes. The low plane of 4-bit codes is four times as large: then both cross products belong into one
// sum.
//
// While one tile of tokens meets 256 columns of a panel, the next columns are expanded and the sums of the tile before
// are added up, a piece behind each product. What that takes for 4-bit codes, in cycles for 64 columns and one of two
// tiles of 16 tokens (1024 weights times 16 tokens):
//
//   tile products                               48
//   loads, two lines a cycle                    53    64 lines of tiles, 32 of sums and scales, 10 of codes
//   multiplications, conversions and shifts     58    one a cycle: the other port that could is the tiles'
//   stores, one a cycle                         28
//
// All four overlap fully as long as everything hits L1: with vectors, loads and stores of as many cycles as the
// products, these took no longer. So what decides is what lies in L1 (48 KiB): 16 KiB of activations, 16 of weights
// that are multiplied and made, 2 of sums. With more than that, lines are evicted by weights that stream past, and
// stores to evicted lines hold up all that come behind. Therefore a single buffer of sums, and columns of activations
// that stay for kPanelsTogether panels. docs/engine.md (On AMX) has what was measured.
#pragma once

#include "kernels/amx/tile.h"
#include "kernels/amx/wide_parts.h"

namespace retort {
namespace {

constexpr std::int64_t kPanelsTogether = 8;  // whose sums wait in L2 while 256 columns of activations stay in L1
constexpr std::int64_t kTilesTogether = 2;   // that share an expanded panel
constexpr int kAhead = 3;                    // records: when weights are asked for
constexpr int kPieces = 16;                  // in which a record is expanded

/// 256 columns of a panel as tiles: [step][high, low][16 rows of four columns][16 rows][4].
struct alignas(64) ExpandedRecord {
  std::uint8_t planes[kSteps][2][kTileBytes];
};
/// Sums of a tile of tokens, planes of the weight by planes of the activations: [token][row].
struct alignas(64) TileSums {
  std::int32_t high_high[kWideTokens][16];
  std::int32_t high_low[kWideTokens][16];  ///< or both cross products
  std::int32_t low_high[kWideTokens][16];
  std::int32_t low_low[kWideTokens][16];
};

/// Whether both cross products are parts of one sum.
template <typename Format>
constexpr bool kMerged = Split<Format>::kLowShift + Split<Format>::kShift == 4;
/// Of 64 columns and a tile.
template <typename Format>
constexpr int kProducts = Split<Format>::kHasLowLow ? 4 : 3;

/// Piece i of kPieces of a record.
template <typename Format>
RETORT_INLINE void expand_piece(const std::uint8_t* record, int i, ExpandedRecord& out, RecordScales& scales) {
  const int g = i / 2;
  std::uint8_t(&planes)[2][kTileBytes] = out.planes[g / 2];
  const int at = i % 4 * (static_cast<int>(kTileBytes) / 4);
  Split<Format>::expand(record, g, i % 2, planes[0] + at, planes[1] + at);
  if (i == 0) take_floats<Format>(record, scales);
  if (i % 4 == 3) take_minima<Format>(record, i / 4, scales);
}

/// Tile kSum plus activations in kLeft times a plane of weights in kRight.
template <typename Format, int kPlane, int kSum, int kLeft, int kRight>
RETORT_INLINE void weight_product() {
  if constexpr (kPlane == 0 && Split<Format>::kSignedHigh) {
    tile_integer_product<kSum, kLeft, kRight>();
  } else {
    tile_product_with_unsigned<kSum, kLeft, kRight>();
  }
}

/// One of a step's products. Each has one factor in common with the one before.
template <typename Format>
RETORT_INLINE void multiply_part(const WideTile& x, std::int64_t step, const std::uint8_t (&planes)[2][kTileBytes],
                                 int part) {
  if (part == 0) {
    tile_load<4>(x.step(step, 0, 0), kWideStep);
    tile_load<6>(planes[0], kTileStride);
    weight_product<Format, 0, 0, 4, 6>();
  }
  if (part == 1) {
    tile_load<7>(planes[1], kTileStride);
    weight_product<Format, 1, kMerged<Format> ? 1 : 2, 4, 7>();
  }
  if (part == 2) {
    tile_load<4>(x.step(step, 1, 0), kWideStep);
    weight_product<Format, 0, 1, 4, 6>();
  }
  if (part == 3) weight_product<Format, 1, 3, 4, 7>();
}

template <typename Format>
RETORT_INLINE void zero_tiles() {
  tile_zero<0>();
  tile_zero<1>();
  if constexpr (!kMerged<Format>) tile_zero<2>();
  if constexpr (Split<Format>::kHasLowLow) tile_zero<3>();
}
template <typename Format>
RETORT_INLINE void store_tiles(TileSums& out) {
  tile_store<0>(out.high_high, kTileStride);
  tile_store<1>(out.high_low, kTileStride);
  if constexpr (!kMerged<Format>) tile_store<2>(out.low_high, kTileStride);
  if constexpr (Split<Format>::kHasLowLow) tile_store<3>(out.low_low, kTileStride);
}

/// Adds token t of a tile up: sums [16 tokens][16 rows].
template <typename Format>
RETORT_INLINE void add_token(const TileSums& products, const RecordScales& scales, const WideTile& x,
                             std::int64_t record, std::int64_t t, float* sums) {
  constexpr int kShift = Split<Format>::kShift;
  constexpr int kLowShift = Split<Format>::kLowShift;
  // S is (high_high << kShift + 4) + (high_low << kShift) + (low_high << 4 - kLowShift) + (low_low >> kLowShift)
  const I high =
      iadd(ishift_left<4>(_mm512_load_si512(products.high_high[t])), _mm512_load_si512(products.high_low[t]));
  I sum = ishift_left<kShift>(high);
  if constexpr (!kMerged<Format>) sum = iadd(sum, ishift_left<4 - kLowShift>(_mm512_load_si512(products.low_high[t])));
  if constexpr (Split<Format>::kHasLowLow)
    sum = iadd(sum, _mm512_srai_epi32(_mm512_load_si512(products.low_low[t]), kLowShift));
  _mm512_store_ps(sums + 16 * t, add_record<Format>(sum, scales, x, record, t, _mm512_load_ps(sums + 16 * t)));
}

/// Slots for other work: one behind each product of a tile and 256 columns.
template <typename Format>
constexpr int kSlots = kSteps* kProducts<Format>;

/// Asks L2 for the lines of a record whose turn is in this slot: a few at a time leave the tiles' loads their way.
template <typename Format>
RETORT_INLINE void fetch_some(const std::uint8_t* record, int slot) {
  RETORT_UNROLL for (std::int64_t at = 64 * slot; at < Format::kRecordBytes; at += 64 * kSlots<Format>) {
    __builtin_prefetch(record + at, 0, 2);
  }
}

/// The first token that is added up in a slot, two at most in one: all have their turn once the first step is over,
/// when what the tile before stored has arrived.
template <typename Format>
constexpr int first_added(int slot) {
  constexpr int kLate = kProducts<Format>;
  return slot < kLate ? 0 : (slot - kLate) * static_cast<int>(kWideTokens) / (kSlots<Format> - kLate);
}
/// The first piece of the next record that is expanded in a slot, of kPieces in kSlots of all tiles together.
template <typename Format>
constexpr int first_piece(int tiles, int slot) {
  return slot * kPieces / (kSlots<Format> * tiles);
}

/// What multiply_wide_tiles() works in.
struct WideWork {
  ExpandedRecord expanded[2];  ///< of the item that is multiplied and of the next one
  RecordScales scales[4];      ///< those of the item before as well
  TileSums products;           ///< of the tile before
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
  for (std::int64_t p = 0; p < panels; ++p) {
    for (int i = 0; i < kTiles; ++i) {
      for (float& sum : work.sums[p][i]) sum = 0;
    }
  }
  WideItem before;  // whose last tile's sums wait
  WideItem now;
  WideItem next;
  for (int i = 0; i < kPieces; ++i) expand_piece<Format>(weights, i, work.expanded[0], work.scales[0]);
  next.advance(panels);
  // Of what is asked for ahead. Behind the last one lie the panels that a thread mostly has next.
  WideItem ahead = next;
  for (int i = 1; i < kAhead; ++i) ahead.advance(panels);
  for (std::int64_t i = 0; i <= records * panels; ++i) {
    const bool multiplies = i < records * panels;
    const std::uint8_t* const made =
        next.record < records ? weights + next.panel * bytes + next.record * Format::kRecordBytes : nullptr;
    const std::uint8_t* const fetched =
        ahead.record < records
            ? weights + ahead.panel * bytes + ahead.record * Format::kRecordBytes
            : weights + (panels + ahead.panel) * bytes + (ahead.record - records) * Format::kRecordBytes;
    RETORT_UNROLL for (int tile = 0; tile < kTiles; ++tile) {
      // The tile before: of this item, or the item before's last one.
      const int done = tile == 0 ? kTiles - 1 : tile - 1;
      const WideItem item = tile == 0 ? before : now;
      const bool adds = tile == 0 ? i > 0 : multiplies;
      const RecordScales& scales = work.scales[(tile == 0 ? i + 3 : i) % 4];
      float* sums = work.sums[item.panel][done];
      if (multiplies) zero_tiles<Format>();
      RETORT_UNROLL for (int slot = 0; slot < kSlots<Format>; ++slot) {
        if (multiplies) {
          const int step = slot / kProducts<Format>;
          multiply_part<Format>(x[tile], now.record * kSteps + step, work.expanded[i % 2].planes[step],
                                slot % kProducts<Format>);
        }
        if (tile == 0) fetch_some<Format>(fetched, slot);
        const int place = kSlots<Format> * tile + slot;
        RETORT_UNROLL for (int e = 0; e < 2; ++e) {
          const int t = first_added<Format>(slot) + e;
          if (t < first_added<Format>(slot + 1) && adds && t < x[done].count) {
            add_token<Format>(work.products, scales, x[done], item.record, t, sums);
          }
          const int piece = first_piece<Format>(kTiles, place) + e;
          if (piece < first_piece<Format>(kTiles, place + 1) && made != nullptr) {
            expand_piece<Format>(made, piece, work.expanded[(i + 1) % 2], work.scales[(i + 1) % 4]);
          }
        }
      }
      if (multiplies) store_tiles<Format>(work.products);
    }
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
