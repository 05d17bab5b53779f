// 256 columns of a K-quant's panel (kernels/wide.h) as both ways to multiply them want it: weights in two planes of
// bytes, scales, and how their sums are added to a token's. Include after avx512/int8.h.
#pragma once

#include "kernels/simd/packed_formats.h"
#include "kernels/wide.h"

namespace retort {
namespace {

constexpr std::int64_t kSteps = kWideColumns / kWideStep;

/// Of a format: how a weight s * q is split into two planes, (high << kShift) + low.
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

}  // namespace
}  // namespace retort
