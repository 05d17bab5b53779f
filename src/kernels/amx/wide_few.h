// K-quants times activations of 12 bits (kernels/wide.h) by VPDPBUSD: one to four tokens, whose sums stay in registers
// while the panels stream past once.
#pragma once

#include "kernels/amx/wide_parts.h"

namespace retort {
namespace {

/// The sum of columns 4 kFirst to 4 kLast - 1 of a group's codes times activations, on top of `even`.
template <int kFirst, int kLast>
RETORT_INLINE I dot_codes(const I* w, const std::int8_t* x, I even) {
  I odd = _mm512_setzero_si512();
  RETORT_UNROLL for (int v = kFirst; v < kLast; v += 2) {
    even = _mm512_dpbusd_epi32(even, w[v], four_codes(x + 4 * v));
    odd = _mm512_dpbusd_epi32(odd, w[v + 1], four_codes(x + 4 * v + 4));
  }
  return iadd(even, odd);
}

/// sum plus what the codes of group g and token t add to S. scales: two of a group, or those of its halves.
template <typename Format>
RETORT_INLINE I add_group(const I* w, const I* scales, const WideTile& x, std::int64_t record, std::int64_t g,
                          std::int64_t t, I sum) {
  const std::int64_t step = record * kSteps + g / 2;
  const std::int8_t* high = x.step(step, 0, t) + 32 * (g % 2);
  const std::int8_t* low = x.step(step, 1, t) + 32 * (g % 2);
  const I zero = _mm512_setzero_si512();
  if constexpr (Split<Format>::kHasMin) {
    // The sum of the low plane fits 16 bits, so that half of VPDPWSSD multiplies it.
    sum = iadd(sum, times(dot_codes<0, 8>(w, high, zero), scales[0]));
    return _mm512_dpwssd_epi32(sum, dot_codes<0, 8>(w, low, zero), scales[1]);
  } else {
    const std::int32_t* offset = x.offset(record, static_cast<int>(2 * g)) + t;
    const I first = iadd(ishift_left<4>(dot_codes<0, 4>(w, high, zero)), iset(offset[0]));
    const I second = iadd(ishift_left<4>(dot_codes<4, 8>(w, high, zero)), iset(offset[x.count]));
    sum = iadd(sum, times(dot_codes<0, 4>(w, low, first), scales[0]));
    return iadd(sum, times(dot_codes<4, 8>(w, low, second), scales[1]));
  }
}

template <typename Format, int kTokens>
void wide_few(const WideMatmulArgs& a) {
  const WideTile tile = wide_tile(a.x, 0);
  // With a count that the compiler knows.
  const WideTile x{tile.codes, tile.scales, tile.pairs, tile.offsets, kTokens};
  const std::int64_t records = a.x.columns / kWideColumns;
  const auto* record = static_cast<const std::uint8_t*>(a.panels);
  RecordScales scales;
  for (std::int64_t p = 0; p < a.panel_count; ++p) {
    F acc[kTokens];
    RETORT_UNROLL for (F& sum : acc) sum = vzero();
    for (std::int64_t r = 0; r < records; ++r, record += Format::kRecordBytes) {
      I sums[kTokens];
      RETORT_UNROLL for (I& sum : sums) sum = _mm512_setzero_si512();
      take_floats<Format>(record, scales);
      for (std::int64_t g = 0; g < 8; ++g) {
        fetch_ahead<Format>(record, g);
        I w[8];
        load_codes<Format::kBits>(Format::codes(record, g), 0, w);
        I s[2];
        if constexpr (Split<Format>::kHasMin) {
          const I scale = scales_u8(Format::scales(record, g));
          s[0] = ishift_left<4>(scale);
          s[1] = iand(scale, iset(0xffff & ~((1 << Split<Format>::kShift) - 1)));
          if (g % 2 == 1) take_minima<Format>(record, g / 2, scales);
        } else {
          s[0] = scales_i8(Format::scales(record, g));
          s[1] = scales_i8(Format::scales(record, g) + 16);
        }
        RETORT_UNROLL for (int t = 0; t < kTokens; ++t) sums[t] = add_group<Format>(w, s, x, r, g, t, sums[t]);
      }
      RETORT_UNROLL for (int t = 0; t < kTokens; ++t) acc[t] = add_record<Format>(sums[t], scales, x, r, t, acc[t]);
    }
    const std::int64_t rows = p + 1 == a.panel_count ? a.last_rows : kPanelRows;
    RETORT_UNROLL for (int t = 0; t < kTokens; ++t) store_sums(a.y + t * a.y_stride + p * kPanelRows, acc[t], rows);
  }
}

}  // namespace
}  // namespace retort
