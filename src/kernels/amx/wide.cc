// Products of K-quants and activations of 15 bits (kernels/wide.h): by VPDPBUSD for few tokens, in integer tiles for
// more.
//
// Tiles. A weight is s * q, of 10 to 13 bits: two bytes. 4- and 5-bit codes times 3 of the scale's 6 bits stay below
// 256, so one VPMULLW multiplies two codes, 64 for two of them; 6-bit ones are multiplied as 16-bit numbers and split.
// So 256 columns of a panel become 2 planes of 4 tiles, and 16 tokens 2 planes of 4: 16 products of 16 cycles. They are
// added up once: 4 sums to load, 2 conversions, FMAs; and 8 more for the minima.
//
// For 512 weights and 16 tokens, 32 cycles of tiles, 25 of expanding (once for 32 tokens) and 17 of adding up. While
// one panel's 256 columns are multiplied, the next one's are expanded and the sums of one before are added up, a piece
// behind each product; yet the three take some 95 cycles together (docs/engine.md, On AMX), 110 with pieces four times
// as large.
#include "kernels/avx512/int8.h"
// (int8.h first: simd/packed_formats.h is written in its terms)
#include "kernels/amx/tile.h"
#include "kernels/simd/packed_formats.h"
#include "kernels/tables.h"
#include "kernels/wide.h"

namespace retort {
namespace {

constexpr std::int64_t kSteps = kWideColumns / kWideStep;
constexpr std::int64_t kPanelsTogether = 4;  // whose sums wait in L1 or L2 while 256 columns of activations stay in L1
constexpr std::int64_t kTilesTogether = 2;   // that share an expanded panel

// ---- What 256 columns of a panel have besides their codes.

/// Of a format: how a weight s * q is split into two planes, v = (high << kShift) + low, and what offset belongs to it.
template <typename Format>
struct Split;

template <int kBits, int kBytes>
struct Split<SuperMin<kBits, kBytes>> {
  using Format = SuperMin<kBits, kBytes>;
  static constexpr int kShift = 3;
  static constexpr bool kHasMin = true;
  static constexpr bool kSignedPlanes = false;

  RETORT_INLINE static void expand(const std::uint8_t* record, std::int64_t g, std::uint8_t* high, std::uint8_t* low) {
    I w[8];
    load_codes<kBits>(Format::codes(record, g), 0, w);
    const I s = scales_u8(Format::scales(record, g));
    const I both = ior(s, _mm512_slli_epi32(s, 16));
    const I low_bits = iand(both, _mm512_set1_epi16(7));
    const I high_bits = _mm512_srli_epi16(both, 3);
    RETORT_UNROLL for (int v = 0; v < 8; ++v) {
      _mm512_store_si512(high + 64 * v, _mm512_mullo_epi16(w[v], high_bits));
      _mm512_store_si512(low + 64 * v, _mm512_mullo_epi16(w[v], low_bits));
    }
  }
};

template <>
struct Split<P6K> {
  static constexpr int kShift = 7;
  static constexpr bool kHasMin = false;
  static constexpr bool kSignedPlanes = true;

  RETORT_INLINE static void expand(const std::uint8_t* record, std::int64_t g, std::uint8_t* high, std::uint8_t* low) {
    I w[8];
    load_codes<6>(P6K::codes(record, g), 0, w);
    const I bytes = _mm512_set1_epi16(0x00ff);
    const I offset = _mm512_set1_epi16(32);
    RETORT_UNROLL for (int half = 0; half < 2; ++half) {
      const I s = scales_i8(P6K::scales(record, g) + 16 * half);
      const I both = _mm512_or_si512(iand(s, iset(0xffff)), _mm512_slli_epi32(s, 16));
      RETORT_UNROLL for (int v = 4 * half; v < 4 * half + 4; ++v) {
        const I even = _mm512_mullo_epi16(_mm512_sub_epi16(iand(w[v], bytes), offset), both);
        const I odd = _mm512_mullo_epi16(_mm512_sub_epi16(_mm512_srli_epi16(w[v], 8), offset), both);
        // Bits of the mask from the even product, the others from the odd one.
        const I highs = _mm512_ternarylogic_epi32(bytes, _mm512_srai_epi16(even, 7), _mm512_slli_epi16(odd, 1), 0xca);
        const I lows = _mm512_ternarylogic_epi32(bytes, even, _mm512_slli_epi16(odd, 8), 0xca);
        _mm512_store_si512(high + 64 * v, highs);
        _mm512_store_si512(low + 64 * v, iand(lows, iset_bytes(127)));
      }
    }
  }
};

/// d, and -(dmin * m) of each group of 32.
struct RecordScales {
  alignas(64) float d[16];
  alignas(64) float minus_min[8][16];
};
template <typename Format>
RETORT_INLINE void take_d(const std::uint8_t* record, RecordScales& out) {
  _mm512_store_ps(out.d, vload_f16(record));
}
template <typename Format>
RETORT_INLINE void take_minus_min(const std::uint8_t* record, std::int64_t g, RecordScales& out) {
  if constexpr (Split<Format>::kHasMin) {
    const F minimum = vmul(vload_f16(record + 32), float_u8(Format::scales(record, g) + 16));
    _mm512_store_ps(out.minus_min[g], vsub(vzero(), minimum));
  }
}

/// acc [kTokens] plus what 256 columns give tokens from `first` on: high and low are their sums H and L.
template <typename Format, int kTokens>
RETORT_INLINE void add_record(const I* high, const I* low, const RecordScales& scales, const WideTile& x,
                              std::int64_t record, std::int64_t first, F* acc) {
  const float* scale = x.scale(record, 0) + first;
  const F d = _mm512_load_ps(scales.d);
  RETORT_UNROLL for (int t = 0; t < kTokens; ++t) {
    const F sum = vfma(to_float(high[t]), vset(128.0f), to_float(low[t]));
    acc[t] = vfma(sum, vmul(d, vset(scale[t])), acc[t]);
  }
  if constexpr (Split<Format>::kHasMin) {
    RETORT_UNROLL for (int g = 0; g < 8; ++g) {
      const F minus_min = _mm512_load_ps(scales.minus_min[g]);
      scale += x.count;
      RETORT_UNROLL for (int t = 0; t < kTokens; ++t) acc[t] = vfma(minus_min, vset(scale[t]), acc[t]);
    }
  }
}

RETORT_INLINE void store_sums(float* y, F sums, std::int64_t rows) {
  if (rows >= kPanelRows) {
    vstore(y, sums);
  } else {
    vstore_first(y, sums, rows);
  }
}

// ---- Tiles.

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

RETORT_INLINE void load_step(const WideTile& x, std::int64_t record, std::int64_t step, const ExpandedRecord& w) {
  const std::int64_t at = record * kSteps + step;
  tile_load<4>(x.step(at, 0, 0), kWideStep);
  tile_load<6>(w.planes[step][0], kTileStride);
  tile_load<5>(x.step(at, 1, 0), kWideStep);
  tile_load<7>(w.planes[step][1], kTileStride);
}
/// One of the four products of what load_step() loaded.
template <typename Format>
RETORT_INLINE void multiply_part(int part) {
  if (part == 0) weight_product<Format, 0, 4, 6>();
  if (part == 1) weight_product<Format, 1, 5, 6>();
  if (part == 2) weight_product<Format, 2, 4, 7>();
  if (part == 3) weight_product<Format, 3, 5, 7>();
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
        if (multiplies) load_step(x[tile], now.record, step, work.expanded);
        RETORT_UNROLL for (int part = 0; part < 4; ++part) {
          if (multiplies) multiply_part<Format>(part);
          if (tile == 0) fetch_some<Format>(to_fetch, 4 * step + part);
          if (part < 2 && tile + 1 == kTiles && to_make != nullptr) {
            expand_group<Format>(to_make, 2 * step + part, work.expanded, work.scales[(i + 1) % 4]);
          }
          if (part >= 2 && i > 1) {
            add_pair<Format>(products, work.scales[(i + 2) % 4], x[tile], done.record, 4 * step + 2 * (part - 2),
                             work.sums[done.panel][tile]);
          }
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

// ---- Few tokens.

/// The sum of 32 codes times activations, on top of what `sum` holds in every row.
template <int kFirst, int kLast>
RETORT_INLINE I dot_codes(const I* w, const std::int8_t* x, I even) {
  I odd = _mm512_setzero_si512();
  RETORT_UNROLL for (int v = kFirst; v < kLast; v += 2) {
    even = _mm512_dpbusd_epi32(even, w[v], four_codes(x + 4 * v));
    odd = _mm512_dpbusd_epi32(odd, w[v + 1], four_codes(x + 4 * v + 4));
  }
  return iadd(even, odd);
}

/// sum plus s times the codes of group g times a plane of token t.
template <typename Format>
RETORT_INLINE I add_group(const I* w, const I* s, const WideTile& x, std::int64_t record, std::int64_t g, int plane,
                          std::int64_t t, I sum) {
  const std::int8_t* codes = x.step(record * kSteps + g / 2, plane, t) + 32 * (g % 2);
  if constexpr (Split<Format>::kHasMin) {
    return iadd(sum, times(dot_codes<0, 8>(w, codes, _mm512_setzero_si512()), s[0]));
  } else {
    const std::int32_t* offset = x.offset(record, plane, static_cast<int>(2 * g)) + t;
    const I first = times(dot_codes<0, 4>(w, codes, iset(offset[0])), s[0]);
    const I second = times(dot_codes<4, 8>(w, codes, iset(offset[x.count])), s[1]);
    return iadd(sum, iadd(first, second));
  }
}

/// How far ahead of the panels a decode asks for memory. It asks with each group for an eighth of a record: all of it
/// at once made one token's product slower by a fifth to a third.
constexpr std::int64_t kFewAhead = 4096;

template <typename Format, int kTokens>
void wide_few(const WideMatmulArgs& a) {
  const WideTile tile = wide_tile(a.x, 0);
  const WideTile x{tile.codes, tile.scales, tile.offsets, kTokens};  // a count that the compiler knows
  const std::int64_t records = a.x.columns / kWideColumns;
  const auto* record = static_cast<const std::uint8_t*>(a.panels);
  RecordScales scales;
  for (std::int64_t p = 0; p < a.panel_count; ++p) {
    F acc[kTokens];
    RETORT_UNROLL for (F& sum : acc) sum = vzero();
    for (std::int64_t r = 0; r < records; ++r, record += Format::kRecordBytes) {
      I sums[2][kTokens];  // [plane][token]
      RETORT_UNROLL for (int t = 0; t < kTokens; ++t) sums[0][t] = sums[1][t] = _mm512_setzero_si512();
      take_d<Format>(record, scales);
      for (std::int64_t g = 0; g < 8; ++g) {
        constexpr std::int64_t kPiece = (Format::kRecordBytes + 7) / 8;
        for (std::int64_t i = 0; i < kPiece; i += 64) __builtin_prefetch(record + kFewAhead + g * kPiece + i, 0, 3);
        I w[8];
        load_codes<Format::kBits>(Format::codes(record, g), 0, w);
        I s[2];
        if constexpr (Split<Format>::kHasMin) {
          s[0] = scales_u8(Format::scales(record, g));
        } else {
          s[0] = scales_i8(Format::scales(record, g));
          s[1] = scales_i8(Format::scales(record, g) + 16);
        }
        take_minus_min<Format>(record, g, scales);
        RETORT_UNROLL for (int t = 0; t < kTokens; ++t) {
          sums[0][t] = add_group<Format>(w, s, x, r, g, 0, t, sums[0][t]);
          sums[1][t] = add_group<Format>(w, s, x, r, g, 1, t, sums[1][t]);
        }
      }
      add_record<Format, kTokens>(sums[0], sums[1], scales, x, r, 0, acc);
    }
    const std::int64_t rows = p + 1 == a.panel_count ? a.last_rows : kPanelRows;
    RETORT_UNROLL for (int t = 0; t < kTokens; ++t) store_sums(a.y + t * a.y_stride + p * kPanelRows, acc[t], rows);
  }
}

template <typename Format>
void wide_matmul(const WideMatmulArgs& a) {
  switch (a.x.tokens) {
    case 1:
      return wide_few<Format, 1>(a);
    case 2:
      return wide_few<Format, 2>(a);
    case 3:
      return wide_few<Format, 3>(a);
    case 4:
      return wide_few<Format, 4>(a);
    default:
      return wide_tiles<Format>(a);
  }
}

// ---- Rounding.

/// Columns of 256 from x, for token t of a tile.
void widen_record(const float* x, const WideTile& tile, std::int64_t record, std::int64_t t) {
  constexpr float kMost = 127.0f * 128.0f;
  const I magnitude = iset(0x7fffffff);
  I largest = _mm512_setzero_si512();
  for (int i = 0; i < 16; ++i) largest = _mm512_max_epi32(largest, iand(_mm512_loadu_si512(x + 16 * i), magnitude));
  const std::int32_t bits = _mm512_reduce_max_epi32(largest);
  constexpr std::int32_t kInfinityBits = 0x7f800000;
  constexpr std::int32_t kLeastBits = (127 - 100) << 23;  // 2^-100
  const bool zeros = bits >= kInfinityBits || bits < kLeastBits;
  float max;
  __builtin_memcpy(&max, &bits, sizeof(max));
  const F inverse = vset(zeros ? 0.0f : kMost / max);
  const float scale = bits >= kInfinityBits ? __builtin_nanf("") : zeros ? 0.0f : max / kMost;
  tile.scale(record, 0)[t] = scale;
  std::int32_t group = 0;
  for (int i = 0; i < 16; ++i) {
    I n = _mm512_setzero_si512();
    if (!zeros) n = _mm512_cvtps_epi32(vmul(vload(x + 16 * i), inverse));
    const I high = _mm512_srai_epi32(iadd(n, iset(64)), 7);
    const I low = isub(n, _mm512_slli_epi32(high, 7));
    const std::int64_t step = record * kSteps + i / 4;
    const auto store = [&](int plane, I values) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(tile.step(step, plane, t) + 16 * (i % 4)),
                       _mm512_cvtepi32_epi8(values));
    };
    store(0, high);
    store(1, low);
    const std::int32_t high_sum = _mm512_reduce_add_epi32(high);
    const std::int32_t low_sum = _mm512_reduce_add_epi32(low);
    tile.offset(record, 0, i)[t] = -32 * high_sum;
    tile.offset(record, 1, i)[t] = -32 * low_sum;
    group += 128 * high_sum + low_sum;
    if (i % 2 == 1) {
      tile.scale(record, 1 + i / 2)[t] = scale * static_cast<float>(group);
      group = 0;
    }
  }
}

void wide_rows(const WideRowsArgs& a) {
  for (std::int64_t t = 0; t < a.out.tokens; ++t) {
    const WideTile tile = wide_tile(a.out, t / kWideTokens);
    for (std::int64_t r = a.first_record; r < a.last_record; ++r) {
      widen_record(a.x + t * a.x_stride + r * kWideColumns, tile, r, t % kWideTokens);
    }
  }
}

}  // namespace

void fill_amx_wide(KernelTable& table) {
  table.wide_rows = wide_rows;
  table.wide_matmul[static_cast<int>(PackedFormat::kP4K)] = wide_matmul<P4K>;
  table.wide_matmul[static_cast<int>(PackedFormat::kP5K)] = wide_matmul<P5K>;
  table.wide_matmul[static_cast<int>(PackedFormat::kP6K)] = wide_matmul<P6K>;
}

}  // namespace retort
