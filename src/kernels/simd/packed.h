// Products of packed weights and int8 activations (kernels/packed.h). Include after an ISA's int8.h.
//
// A group of a panel is unpacked into 8 vectors, which then serve all tokens of a tile. What a token costs per group
// and vector of rows, on AVX2 with 4-bit codes: 8 broadcasts of four activations, 8 VPMADDUBSW, 7 VPADDW, 1 VPMADDWD,
// conversion, scale, FMA (and one more for the minimum): some 20 vector operations for 256 products, so on a core
// that begins four a cycle at most 50 products a cycle, against 16 of fp32 FMAs.
// On AVX-512 with VNNI: 8 VPDPBUSD that load their broadcasts, conversion, the row's scale, the two scales' product, 2
// FMAs: 13 vector operations for 512 products, two a cycle: 79 products a cycle.
//
// One to four tokens (decoding) keep their sums in registers and stream the panels once, prefetching. More go through
// tiles of up to 64 tokens by blocks of 8 groups, 64 x 8 x 52 bytes of activations, 27 KB: they stay in L1 while 8
// panels pass, whose sums take 32 KB of L2. A panel alone would have all activations come from L2 for it, 8 bytes a
// cycle.
#pragma once

#include "kernels/kernels.h"
#include "kernels/simd/compiler.h"
#include "kernels/simd/packed_formats.h"
#include "kernels/simd/quantize.h"

namespace retort {
namespace {

constexpr std::int64_t kBlockGroups = 8;
constexpr std::int64_t kPanelTile = 8;
/// Row r of a panel's 16 sums; those beyond `rows` are not written.
RETORT_INLINE void store_rows(float* y, const F* sums, std::int64_t rows) {
  RETORT_UNROLL for (int h = 0; h < kHalves; ++h) {
    const std::int64_t left = rows - h * kLanes;
    if (left >= kLanes) {
      vstore(y + h * kLanes, sums[h]);
    } else if (left > 0) {
      vstore_first(y + h * kLanes, sums[h], left);
    }
  }
}

template <typename Format, int kTokens>
void packed_few(const PackedMatmulArgs& a) {
  const std::int64_t records = a.x.columns / (kGroupColumns * Format::kRecordGroups);
  const auto* record = static_cast<const std::uint8_t*>(a.panels);
  for (std::int64_t p = 0; p < a.panel_count; ++p) {
    F sums[kHalves][kTokens];
    RETORT_UNROLL for (int h = 0; h < kHalves; ++h) {
      RETORT_UNROLL for (int t = 0; t < kTokens; ++t) sums[h][t] = vzero();
    }
    const std::int8_t* x = a.x.codes;
    const ActivationGroup* side = a.x.side;
    for (std::int64_t i = 0; i < records; ++i, record += Format::kRecordBytes) {
      for (std::int64_t g = 0; g < Format::kRecordGroups; ++g, x += kTokens * kGroupColumns, side += kTokens) {
        fetch_ahead<Format>(record, g);
        RETORT_UNROLL for (int h = 0; h < kHalves; ++h) {
          typename Format::Group group;
          Format::load(record, g, h, group);
          Format::template add<kTokens>(group, x, side, sums[h]);
        }
      }
    }
    const std::int64_t rows = p + 1 == a.panel_count ? a.last_rows : kPanelRows;
    RETORT_UNROLL for (int t = 0; t < kTokens; ++t) {
      F of_token[kHalves];
      RETORT_UNROLL for (int h = 0; h < kHalves; ++h) of_token[h] = sums[h][t];
      store_rows(a.y + t * a.y_stride + p * kPanelRows, of_token, rows);
    }
  }
}

/// Tokens of a tile that a loaded group multiplies side by side, a chain of additions each; two were slower by a tenth.
constexpr int kTogether = 4;
/// sums [kTokens][kPanelRows], of which one vector each.
template <typename Format, int kTokens>
RETORT_INLINE void add_tokens(const typename Format::Group& group, const std::int8_t* x, const ActivationGroup* side,
                              float* sums) {
  F acc[kTokens];
  RETORT_UNROLL for (int t = 0; t < kTokens; ++t) acc[t] = vload(sums + t * kPanelRows);
  Format::template add<kTokens>(group, x, side, acc);
  RETORT_UNROLL for (int t = 0; t < kTokens; ++t) vstore(sums + t * kPanelRows, acc[t]);
}

/// Panels `first_panel` and on, `panels` of them, times one tile of n tokens that begins at token `first`.
template <typename Format>
void packed_tile(const PackedMatmulArgs& a, std::int64_t first, std::int64_t n, std::int64_t first_panel,
                 std::int64_t panels) {
  const std::int64_t groups = a.x.columns / kGroupColumns;
  const std::int64_t bytes = groups / Format::kRecordGroups * Format::kRecordBytes;
  const auto* weights = static_cast<const std::uint8_t*>(a.panels) + first_panel * bytes;
  alignas(64) float sums[kPanelTile][kTokenTile][kPanelRows];
  for (std::int64_t p = 0; p < panels; ++p) {
    for (std::int64_t t = 0; t < n; ++t) {
      for (float& sum : sums[p][t]) sum = 0;
    }
  }
  for (std::int64_t begin = 0; begin < groups; begin += kBlockGroups) {
    const std::int64_t end = begin + kBlockGroups < groups ? begin + kBlockGroups : groups;
    for (std::int64_t p = 0; p < panels; ++p) {
      const std::uint8_t* panel = weights + p * bytes;
      for (std::int64_t g = begin; g < end; ++g) {
        const std::uint8_t* record = panel + g / Format::kRecordGroups * Format::kRecordBytes;
        const std::int8_t* x = a.x.codes + (first * groups + g * n) * kGroupColumns;
        const ActivationGroup* side = a.x.side + first * groups + g * n;
        for (int h = 0; h < kHalves; ++h) {
          typename Format::Group group;
          Format::load(record, g % Format::kRecordGroups, h, group);
          float* of_token = sums[p][0] + h * kLanes;
          std::int64_t t = 0;
          for (; t + kTogether <= n; t += kTogether) {
            add_tokens<Format, kTogether>(group, x + t * kGroupColumns, side + t, of_token + t * kPanelRows);
          }
          for (; t < n; ++t) {
            add_tokens<Format, 1>(group, x + t * kGroupColumns, side + t, of_token + t * kPanelRows);
          }
        }
      }
    }
  }
  for (std::int64_t p = 0; p < panels; ++p) {
    const std::int64_t rows = first_panel + p + 1 == a.panel_count ? a.last_rows : kPanelRows;
    for (std::int64_t t = 0; t < n; ++t) {
      float* y = a.y + (first + t) * a.y_stride + (first_panel + p) * kPanelRows;
      for (std::int64_t r = 0; r < rows; ++r) y[r] = sums[p][t][r];
    }
  }
}

template <typename Format>
void packed_matmul(const PackedMatmulArgs& a) {
  switch (a.x.tokens) {
    case 1:
      return packed_few<Format, 1>(a);
    case 2:
      return packed_few<Format, 2>(a);
    case 3:
      return packed_few<Format, 3>(a);
    case 4:
      return packed_few<Format, 4>(a);
    default:
      break;
  }
  for (std::int64_t first = 0; first < a.x.tokens; first += kTokenTile) {
    const std::int64_t left = a.x.tokens - first;
    const std::int64_t n = left < kTokenTile ? left : kTokenTile;
    for (std::int64_t p = 0; p < a.panel_count; p += kPanelTile) {
      const std::int64_t panels = a.panel_count - p;
      packed_tile<Format>(a, first, n, p, panels < kPanelTile ? panels : kPanelTile);
    }
  }
}

void set_packed(KernelTable& table) {
  table.quantize_rows = quantize_rows;
  table.packed_matmul[static_cast<int>(PackedFormat::kP4K)] = packed_matmul<P4K>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP5K)] = packed_matmul<P5K>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP6K)] = packed_matmul<P6K>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP4)] = packed_matmul<P4>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP5)] = packed_matmul<P5>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP8)] = packed_matmul<P8>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP4G32)] = packed_matmul<P4G32>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP4G128)] = packed_matmul<P4G128>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP8G32)] = packed_matmul<P8G32>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP8G128)] = packed_matmul<P8G128>;
}

}  // namespace
}  // namespace retort
