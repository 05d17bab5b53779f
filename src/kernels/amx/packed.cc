// Integer products of packed weights (kernels/packed.h) for twelve tokens and more: the bits of every other instruction
// set.
//
// A group of 32 columns of a panel, its codes one to a byte, is a tile of [8][16 rows][4] as it lies; 16 tokens of 32
// activations are another; their product is exact. What follows is the cost: of each token a conversion, a product with
// the group's integer scale, one of d with the activations' scale, an FMA and another for the minimum. By count that is
// 80 vector operations or 40 cycles for 16 tokens, 205 products a cycle, where VPDPBUSD's operations allow some 60;
// measured, on a core that a neighbour used as well, were 130 to 170 cycles. The sums of 16 tokens live in 16
// registers. The products of the next four groups are on their way to memory while those of four are worked on, since
// what a tile stores is not to be had for some hundred cycles.
#include "kernels/avx512/int8.h"
// (int8.h first: simd/packed_formats.h is written in its terms)
#include "kernels/amx/tile.h"
#include "kernels/simd/packed.h"
#include "kernels/tables.h"

namespace retort {
namespace {

constexpr int kTileTokens16 = 16;
constexpr std::int64_t kGroupBytes = 512;  // of codes, one to a byte

/// What a format's codes become, signed bytes with their offset taken off, and what their sums are multiplied by.
template <typename Format>
struct Expanded;

template <int kBits, int kBytes>
struct Expanded<SuperMin<kBits, kBytes>> {
  static constexpr int kParts = 1;  // sums with scales of their own
  static constexpr int kOffset = 0;
  static constexpr bool kHasMin = true;
  RETORT_INLINE static void scales(const std::uint8_t* record, std::int64_t g, F* s, F& d, F& minus_min) {
    const std::uint8_t* at = SuperMin<kBits, kBytes>::scales(record, g);
    s[0] = float_u8(at);
    d = vload_f16(record);
    minus_min = vsub(vzero(), vmul(vload_f16(record + 32), float_u8(at + 16)));
  }
  /// The scaled sum, a whole number below 2^24: every step is exact.
  RETORT_INLINE static F sum(const F* i, const F* s) { return vmul(i[0], s[0]); }
};

template <>
struct Expanded<P6K> {
  static constexpr int kParts = 2;
  static constexpr int kOffset = 32;
  static constexpr bool kHasMin = false;
  RETORT_INLINE static void scales(const std::uint8_t* record, std::int64_t g, F* s, F& d, F& minus_min) {
    const std::uint8_t* at = P6K::scales(record, g);
    s[0] = to_float(scales_i8(at));
    s[1] = to_float(scales_i8(at + 16));
    d = vload_f16(record);
    minus_min = vzero();
  }
  RETORT_INLINE static F sum(const F* i, const F* s) { return vfma(i[0], s[0], vmul(i[1], s[1])); }
};

template <int kBits, int kOffsetBits, int kBytes>
struct Expanded<Direct<kBits, kOffsetBits, kBytes>> {
  static constexpr int kParts = 1;
  static constexpr int kOffset = kOffsetBits == 0 ? 0 : 1 << kOffsetBits;
  static constexpr bool kHasMin = false;
  RETORT_INLINE static void scales(const std::uint8_t* record, std::int64_t, F*, F& d, F& minus_min) {
    d = vload_f16(record);
    minus_min = vzero();
  }
  RETORT_INLINE static F sum(const F* i, const F*) { return i[0]; }
};

/// Groups [first, last) of a panel, their codes one to a byte.
template <typename Format>
void expand_codes(const std::uint8_t* panel, std::int64_t first, std::int64_t last, std::uint8_t* out) {
  using E = Expanded<Format>;
  for (std::int64_t g = first; g < last; ++g, out += kGroupBytes) {
    const std::uint8_t* record = panel + g / Format::kRecordGroups * Format::kRecordBytes;
    fetch_ahead<Format>(panel, g);
    I w[8];
    load_codes<Format::kBits>(Format::codes(record, g % Format::kRecordGroups), 0, w);
    RETORT_UNROLL for (int v = 0; v < 8; ++v) {
      if constexpr (E::kOffset != 0) w[v] = _mm512_sub_epi8(w[v], iset_bytes(E::kOffset));
      _mm512_store_si512(out + 64 * v, w[v]);
    }
  }
}

constexpr int kBatch = 4;  // groups whose tiles are under way together, a register of sums each

/// Sums of the parts of group kIndex of a batch for 16 tokens: [parts][16 tokens][16 rows].
template <int kIndex, int kParts>
RETORT_INLINE void group_sums(const std::int8_t* x, const std::uint8_t* w, std::int32_t* out) {
  constexpr int kLeft = 4 + kIndex % 2;
  constexpr int kRight = 6 + kIndex % 2;
  RETORT_UNROLL for (int part = 0; part < kParts; ++part) {
    tile_zero<kIndex>();
    tile_load<kLeft>(x + part * (32 / kParts), kGroupColumns);
    tile_load<kRight>(w + part * (kGroupBytes / kParts), 64);
    tile_integer_product<kIndex, kLeft, kRight>();
    tile_store<kIndex>(out + part * 256, 64);
  }
}

/// The same for the first `count` groups of a batch.
template <int kParts, int kIndex = 0>
RETORT_INLINE void batch_sums(std::int64_t count, const std::int8_t* x, std::int64_t x_group, const std::uint8_t* w,
                              std::int32_t* out) {
  if (kIndex >= count) return;
  group_sums<kIndex, kParts>(x, w, out);
  if constexpr (kIndex + 1 < kBatch) {
    batch_sums<kParts, kIndex + 1>(count, x + x_group, x_group, w + kGroupBytes, out + kParts * 256);
  }
}

/// What 16 tokens are multiplied with in a row of groups.
struct GroupRun {
  const std::uint8_t* panel;
  std::int64_t first;
  std::int64_t last;
  const std::uint8_t* codes;    ///< of group `first`
  const std::int8_t* x;         ///< of group `first` and the first token
  const ActivationGroup* side;  ///< likewise
  std::int64_t tokens;          ///< of the whole tile: from one group's x and side to the next's
};

/// sums [16 tokens][16 rows] plus the groups' products.
template <typename Format>
void add_groups(const GroupRun& run, float* sums) {
  using E = Expanded<Format>;
  alignas(64) std::int32_t products[2][kBatch * E::kParts * 256];
  F acc[kTileTokens16];
  RETORT_UNROLL for (int t = 0; t < kTileTokens16; ++t) acc[t] = _mm512_load_ps(sums + 16 * t);
  const std::int64_t x_group = run.tokens * kGroupColumns;
  const auto start = [&](std::int64_t g, std::int32_t* out) {
    const std::int64_t left = run.last - g;
    batch_sums<E::kParts>(left < kBatch ? left : kBatch, run.x + (g - run.first) * x_group, x_group,
                          run.codes + (g - run.first) * kGroupBytes, out);
  };
  const ActivationGroup* side = run.side;
  std::int32_t* now = products[0];
  std::int32_t* next = products[1];
  start(run.first, now);
  for (std::int64_t batch = run.first; batch < run.last; batch += kBatch) {
    if (batch + kBatch < run.last) start(batch + kBatch, next);
    const std::int64_t end = batch + kBatch < run.last ? batch + kBatch : run.last;
    const std::int32_t* product = now;
    for (std::int64_t g = batch; g < end; ++g, side += run.tokens, product += E::kParts * 256) {
      const std::uint8_t* record = run.panel + g / Format::kRecordGroups * Format::kRecordBytes;
      F s[E::kParts];
      F d;
      F minus_min;
      E::scales(record, g % Format::kRecordGroups, s, d, minus_min);
      RETORT_UNROLL for (int t = 0; t < kTileTokens16; ++t) {
        F i[E::kParts];
        RETORT_UNROLL for (int part = 0; part < E::kParts; ++part) {
          i[part] = to_float(_mm512_load_si512(product + part * 256 + 16 * t));
        }
        acc[t] = vfma(E::sum(i, s), vmul(d, vset(side[t].scale)), acc[t]);
        if constexpr (E::kHasMin) acc[t] = vfma(minus_min, vset(side[t].sum), acc[t]);
      }
    }
    std::int32_t* const done = now;
    now = next;
    next = done;
  }
  RETORT_UNROLL for (int t = 0; t < kTileTokens16; ++t) _mm512_store_ps(sums + 16 * t, acc[t]);
}

/// One tile of n tokens that begins at token `first`.
template <typename Format>
void integer_tile(const PackedMatmulArgs& a, std::int64_t first, std::int64_t n) {
  const std::int64_t groups = a.x.columns / kGroupColumns;
  const std::int64_t bytes = groups / Format::kRecordGroups * Format::kRecordBytes;
  alignas(64) std::uint8_t codes[kBlockGroups * kGroupBytes];
  alignas(64) float sums[kTokenTile * kPanelRows];
  for (std::int64_t p = 0; p < a.panel_count; ++p) {
    const auto* panel = static_cast<const std::uint8_t*>(a.panels) + p * bytes;
    for (float& sum : sums) sum = 0;
    for (std::int64_t begin = 0; begin < groups; begin += kBlockGroups) {
      const std::int64_t end = begin + kBlockGroups < groups ? begin + kBlockGroups : groups;
      expand_codes<Format>(panel, begin, end, codes);
      for (std::int64_t t = 0; t < n; t += kTileTokens16) {
        const std::int64_t at = first * groups + begin * n + t;
        add_groups<Format>({.panel = panel,
                            .first = begin,
                            .last = end,
                            .codes = codes,
                            .x = a.x.codes + at * kGroupColumns,
                            .side = a.x.side + at,
                            .tokens = n},
                           sums + t * kPanelRows);
      }
    }
    const std::int64_t rows = p + 1 == a.panel_count ? a.last_rows : kPanelRows;
    for (std::int64_t t = 0; t < n; ++t) {
      const F row = _mm512_load_ps(sums + t * kPanelRows);
      store_rows(a.y + (first + t) * a.y_stride + p * kPanelRows, &row, rows);
    }
  }
}

template <typename Format>
void integer_matmul(const PackedMatmulArgs& a) {
  if (a.x.tokens < 12) return packed_matmul<Format>(a);  // sixteen would cost more than they are
  constexpr int kParts = Expanded<Format>::kParts;
  const Tiles tiles(32 / kParts, 8 / kParts);
  for (std::int64_t first = 0; first < a.x.tokens; first += kTokenTile) {
    const std::int64_t left = a.x.tokens - first;
    integer_tile<Format>(a, first, left < kTokenTile ? left : kTokenTile);
  }
}

}  // namespace

void fill_amx_packed(KernelTable& table) {
  set_packed(table);
  table.packed_matmul[static_cast<int>(PackedFormat::kP4K)] = integer_matmul<P4K>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP5K)] = integer_matmul<P5K>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP6K)] = integer_matmul<P6K>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP4)] = integer_matmul<P4>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP5)] = integer_matmul<P5>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP8)] = integer_matmul<P8>;
}

}  // namespace retort
