// Integer products of packed weights whose scales stand for 32 columns of a row each (kernels/packed.h), for twelve
// tokens and more: the bits of every other instruction set. K-quants go through wide.h.
//
// A group of 32 columns of a panel, its codes one to a byte, is a tile of [8][16 rows][4] as it lies; 16 tokens of 32
// activations are another; their product is exact. What follows is the cost: of each token a conversion, a product of d
// with the activations' scale and an FMA, with a load and a store of what the tile gave. By count that is some 30
// cycles for 16 tokens; measured, on a core that a neighbour used as well, were 130 to 170 cycles. The sums of 16
// tokens live in 16 registers. The products of the next four groups are on their way to memory while those of four are
// worked on, since what a tile stores is not to be had for some hundred cycles.
#include "kernels/avx512/int8.h"
// (int8.h first: simd/packed_formats.h is written in its terms)
#include "kernels/amx/tile.h"
#include "kernels/simd/packed.h"
#include "kernels/tables.h"

namespace retort {
namespace {

constexpr int kTileTokens16 = 16;
constexpr std::int64_t kGroupBytes = 512;     // of codes, one to a byte
constexpr std::int64_t kExpandedGroups = 64;  // at a time

/// What a format's codes become: signed bytes, their offset taken off where that leaves bytes.
template <typename Format>
struct Expanded;

template <int kBits, int kOffsetBits, int kBytes>
struct Expanded<Direct<kBits, kOffsetBits, kBytes>> {
  static constexpr bool kHasZero = false;  // left to take off
  RETORT_INLINE static I offset(const std::uint8_t*) { return iset_bytes(kOffsetBits == 0 ? 0 : 1 << kOffsetBits); }
  RETORT_INLINE static F scale(const std::uint8_t* record) { return vload_f16(record); }
  RETORT_INLINE static I zero(const std::uint8_t*) { return _mm512_setzero_si512(); }
};

template <int kBits, int kGroups>
struct Expanded<Grouped<kBits, kGroups>> {
  using Format = Grouped<kBits, kGroups>;
  static constexpr bool kHasZero = kBits == 8;  // a byte less a byte is none
  RETORT_INLINE static I offset(const std::uint8_t* record) {
    if constexpr (kHasZero) return _mm512_setzero_si512();
    // Each row's zero in all four bytes of its lane.
    return _mm512_mullo_epi32(Format::zeros(record, 0), iset(0x01010101));
  }
  RETORT_INLINE static F scale(const std::uint8_t* record) { return Format::scales(record, 0); }
  RETORT_INLINE static I zero(const std::uint8_t* record) { return as_factor(Format::zeros(record, 0)); }
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
    const I offset = E::offset(record);
    RETORT_UNROLL for (int v = 0; v < 8; ++v) _mm512_store_si512(out + 64 * v, _mm512_sub_epi8(w[v], offset));
  }
}

constexpr int kBatch = 4;  // groups whose tiles are under way together

/// Sums of group kIndex of a batch for 16 tokens: [16 tokens][16 rows].
template <int kIndex>
RETORT_INLINE void group_sums(const std::int8_t* x, const std::uint8_t* w, std::int32_t* out) {
  constexpr int kSum = kIndex % 2;  // few registers: amx/tile.h
  tile_zero<kSum>();
  tile_load<4>(x, kGroupColumns);
  tile_load<6>(w, 64);
  tile_integer_product<kSum, 4, 6>();
  tile_store<kSum>(out, 64);
}

/// The same for the first `count` groups of a batch.
template <int kIndex = 0>
RETORT_INLINE void batch_sums(std::int64_t count, const std::int8_t* x, std::int64_t x_group, const std::uint8_t* w,
                              std::int32_t* out) {
  if (kIndex >= count) return;
  group_sums<kIndex>(x, w, out);
  if constexpr (kIndex + 1 < kBatch) {
    batch_sums<kIndex + 1>(count, x + x_group, x_group, w + kGroupBytes, out + 256);
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
  alignas(64) std::int32_t products[2][kBatch * 256];
  F acc[kTileTokens16];
  RETORT_UNROLL for (int t = 0; t < kTileTokens16; ++t) acc[t] = _mm512_load_ps(sums + 16 * t);
  const std::int64_t x_group = run.tokens * kGroupColumns;
  const auto start = [&](std::int64_t g, std::int32_t* out) {
    const std::int64_t left = run.last - g;
    batch_sums(left < kBatch ? left : kBatch, run.x + (g - run.first) * x_group, x_group,
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
    for (std::int64_t g = batch; g < end; ++g, side += run.tokens, product += 256) {
      const std::uint8_t* record = run.panel + g / Format::kRecordGroups * Format::kRecordBytes;
      const F d = E::scale(record);
      const I zero = E::zero(record);
      RETORT_UNROLL for (int t = 0; t < kTileTokens16; ++t) {
        I sum = _mm512_load_si512(product + 16 * t);
        if constexpr (E::kHasZero) sum = isub(sum, times_sum(zero, side[t].isum));
        acc[t] = vfma(to_float(sum), vmul(d, vset(side[t].scale)), acc[t]);
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
  alignas(64) std::uint8_t codes[kExpandedGroups * kGroupBytes];
  alignas(64) float sums[kTokenTile * kPanelRows];
  for (std::int64_t p = 0; p < a.panel_count; ++p) {
    const auto* panel = static_cast<const std::uint8_t*>(a.panels) + p * bytes;
    for (float& sum : sums) sum = 0;
    for (std::int64_t begin = 0; begin < groups; begin += kExpandedGroups) {
      const std::int64_t end = begin + kExpandedGroups < groups ? begin + kExpandedGroups : groups;
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
  const Tiles tiles(32, 8);
  for (std::int64_t first = 0; first < a.x.tokens; first += kTokenTile) {
    const std::int64_t left = a.x.tokens - first;
    integer_tile<Format>(a, first, left < kTokenTile ? left : kTokenTile);
  }
}

}  // namespace

void fill_amx_packed(KernelTable& table) {
  set_packed(table);
  table.packed_matmul[static_cast<int>(PackedFormat::kP4)] = integer_matmul<P4>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP5)] = integer_matmul<P5>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP8)] = integer_matmul<P8>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP4G32)] = integer_matmul<P4G32>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP4G128)] = integer_matmul<P4G128>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP8G32)] = integer_matmul<P8G32>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP8G128)] = integer_matmul<P8G128>;
}

}  // namespace retort
