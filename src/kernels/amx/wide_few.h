// K-quants times activations of 15 bits (kernels/wide.h) by VPDPBUSD: one to four tokens, whose sums stay in registers
// while the panels stream past once.
#pragma once

#include "kernels/amx/wide_parts.h"

namespace retort {
namespace {

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
        fetch_ahead<Format>(record, g);
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

}  // namespace
}  // namespace retort
