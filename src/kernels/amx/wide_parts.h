// 256 columns of a K-quant's panel (kernels/wide.h) as both ways to multiply them want it: weights in two planes of
// bytes, scales, and how their sums are added to a token's. Include after avx512/int8.h.
//
// Beside tile products vectors are multiplied, converted and shifted on one port only, and that port is what they wait
// for; bytes are moved on another. So what can be moved instead of shifted is.
#pragma once

#include "kernels/simd/packed_formats.h"
#include "kernels/wide.h"

namespace retort {
namespace {

constexpr std::int64_t kSteps = kWideColumns / kWideStep;

/// Each byte becomes the 8 bits from bit `offset` of it on (-7 to 7). Bits that were not its own must be masked away.
RETORT_INLINE I bits_from(I a, int offset) {
  constexpr long long kBytes = 0x3830282018100800;  // byte i of 8 begins at bit 8 i
  return _mm512_multishift_epi64_epi8(_mm512_set1_epi64(kBytes + (offset & 63) * 0x0101010101010101), a);
}
/// An unsigned scale of each row in both halves of its lane.
RETORT_INLINE I scale_words(const std::uint8_t* s) {
  const I row =
      _mm512_set_epi32(0x0f0f0f0f, 0x0e0e0e0e, 0x0d0d0d0d, 0x0c0c0c0c, 0x0b0b0b0b, 0x0a0a0a0a, 0x09090909, 0x08080808,
                       0x07070707, 0x06060606, 0x05050505, 0x04040404, 0x03030303, 0x02020202, 0x01010101, 0x00000000);
  const __m128i all = _mm_loadu_si128(reinterpret_cast<const __m128i*>(s));
  return _mm512_maskz_permutexvar_epi8(0x5555555555555555, row, _mm512_castsi128_si512(all));
}

/// Codes of columns 16 half to 16 half + 15 of a group of kBits: load_codes()'s vectors 4 half to 4 half + 3.
template <int kBits>
RETORT_INLINE void load_half(const std::uint8_t* group, int half, I* w) {
  const I low = iset_bytes(15);
  RETORT_UNROLL for (int i = 0; i < 2; ++i) {
    const I q = iload(group + 64 * (2 * half + i));
    w[2 * i] = iand(q, low);
    w[2 * i + 1] = iand(bits_from(q, 4), low);
  }
  if constexpr (kBits == 5) {
    const I q = iload(group + 256);
    RETORT_UNROLL for (int v = 0; v < 4; ++v) w[v] = ior(w[v], iand(bits_from(q, 4 * half + v - 4), iset_bytes(16)));
  }
}
/// The same of a group of 6 bits, less 32 and times 4: signed bytes.
RETORT_INLINE void load_signed_half(const std::uint8_t* group, int half, I* w) {
  const I bits45 = iload(group + 256 + 64 * half);
  const I middle = iset_bytes(0x3c);
  RETORT_UNROLL for (int i = 0; i < 2; ++i) {
    const I q = iload(group + 64 * (2 * half + i));
    RETORT_UNROLL for (int j = 0; j < 2; ++j) {
      // The mask's bits from the nibble, the others from bits 4 and 5; then those below are cleared, and 32 is taken
      // off.
      const I code =
          _mm512_ternarylogic_epi32(middle, bits_from(q, 4 * j - 2), bits_from(bits45, 4 * i + 2 * j - 6), 0xca);
      w[2 * i + j] = _mm512_ternarylogic_epi32(code, iset_bytes(0xfc), iset_bytes(0x80), 0x6a);
    }
  }
}

/// Of a format: how a weight s * q is split into two planes of bytes, (high << kShift) + (low >> kLowShift), 16 columns
/// at a time; whether the product of both low planes counts. Low planes are unsigned.
template <typename Format>
struct Split;

template <int kBits, int kBytes>
struct Split<SuperMin<kBits, kBytes>> {
  using Format = SuperMin<kBits, kBytes>;
  static constexpr int kShift = kBits == 4 ? 2 : 3;     // of the scale's bits: the least with which planes are bytes
  static constexpr int kLowShift = kBits == 4 ? 2 : 0;  // 2 makes both cross products parts of one sum
  static constexpr bool kHasMin = true;
  static constexpr bool kHasLowLow = false;
  static constexpr bool kSignedHigh = false;

  RETORT_INLINE static void expand(const std::uint8_t* record, std::int64_t g, int half, std::uint8_t* high,
                                   std::uint8_t* low) {
    I w[4];
    load_half<kBits>(Format::codes(record, g), half, w);
    const I both = scale_words(Format::scales(record, g));
    const I rest = iand(both, _mm512_set1_epi16((1 << kShift) - 1));
    const I low_bits = kLowShift > 0 ? _mm512_slli_epi16(rest, kLowShift) : rest;
    const I high_bits = _mm512_srli_epi16(both, kShift);
    RETORT_UNROLL for (int v = 0; v < 4; ++v) {
      _mm512_store_si512(high + 64 * v, _mm512_mullo_epi16(w[v], high_bits));
      _mm512_store_si512(low + 64 * v, _mm512_mullo_epi16(w[v], low_bits));
    }
  }
};

template <>
struct Split<P6K> {
  static constexpr int kShift = 7;
  static constexpr int kLowShift = 1;
  static constexpr bool kHasMin = false;
  static constexpr bool kHasLowLow = true;
  static constexpr bool kSignedHigh = true;

  RETORT_INLINE static void expand(const std::uint8_t* record, std::int64_t g, int half, std::uint8_t* high,
                                   std::uint8_t* low) {
    I w[4];
    load_signed_half(P6K::codes(record, g), half, w);
    const I s = scales_i8(P6K::scales(record, g) + 16 * half);
    const I both = ior(iand(ishift_left<7>(s), iset(0xffff)), ishift_left<23>(s));
    constexpr __mmask64 kOdd = 0xaaaaaaaaaaaaaaaa;
    RETORT_UNROLL for (int v = 0; v < 4; ++v) {
      // 4 q 256 times 128 s, of which the upper 16 bits are twice the weight.
      const I even = _mm512_mulhi_epi16(_mm512_slli_epi16(w[v], 8), both);
      const I odd = _mm512_mulhi_epi16(iand(w[v], _mm512_set1_epi16(static_cast<short>(0xff00))), both);
      _mm512_store_si512(high + 64 * v, _mm512_mask_blend_epi8(kOdd, _mm512_bsrli_epi128(even, 1), odd));
      _mm512_store_si512(low + 64 * v, _mm512_mask_blend_epi8(kOdd, even, _mm512_bslli_epi128(odd, 1)));
    }
  }
};

/// d; -2 dmin; m of groups 2i (lower half) and 2i + 1.
struct RecordScales {
  alignas(64) float d[16];
  alignas(64) float minus_two_dmin[16];
  alignas(64) std::int32_t minima[kWidePairs][16];
};
template <typename Format>
RETORT_INLINE void take_floats(const std::uint8_t* record, RecordScales& out) {
  _mm512_store_ps(out.d, vload_f16(record));
  if constexpr (Split<Format>::kHasMin) {
    _mm512_store_ps(out.minus_two_dmin, vmul(vload_f16(record + 32), vset(-2.0f)));
  }
}
/// Pair i of groups.
template <typename Format>
RETORT_INLINE void take_minima(const std::uint8_t* record, std::int64_t i, RecordScales& out) {
  if constexpr (Split<Format>::kHasMin) {
    const I first = scales_u8(Format::scales(record, 2 * i) + 16);
    const I second = scales_u8(Format::scales(record, 2 * i + 1) + 16);
    _mm512_store_si512(out.minima[i], ior(first, _mm512_slli_epi32(second, 16)));
  }
}

/// acc plus what 256 columns give a token whose S is `sum`.
template <typename Format>
RETORT_INLINE F add_record(I sum, const RecordScales& scales, const WideTile& x, std::int64_t record,
                           std::int64_t token, F acc) {
  F product = vmul(to_float(sum), _mm512_load_ps(scales.d));
  if constexpr (Split<Format>::kHasMin) {
    const std::int32_t* pairs = x.pair(record, 0) + token;
    I minima = _mm512_madd_epi16(_mm512_load_si512(scales.minima[0]), iset(pairs[0]));
    RETORT_UNROLL for (int i = 1; i < kWidePairs; ++i) {
      minima = _mm512_dpwssd_epi32(minima, _mm512_load_si512(scales.minima[i]), iset(pairs[i * x.count]));
    }
    product = vfma(to_float(minima), _mm512_load_ps(scales.minus_two_dmin), product);
  }
  return vfma(product, vset(x.scale(record)[token]), acc);
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
