// The vocabulary of simd/packed.h for AVX-512 with VNNI: 16 rows at a time, a whole panel. VPDPBUSD adds four products
// of unsigned by signed bytes into 32 bits and never saturates.
#pragma once

#include "kernels/avx512/vec.h"
#include "kernels/packed.h"

namespace retort {
namespace {

using I = __m512i;
constexpr int kHalves = 1;

RETORT_INLINE I iload(const std::uint8_t* p) { return _mm512_loadu_si512(p); }
RETORT_INLINE I iset(std::int32_t a) { return _mm512_set1_epi32(a); }
RETORT_INLINE I iset_bytes(int a) { return _mm512_set1_epi8(static_cast<char>(a)); }
RETORT_INLINE I iand(I a, I b) { return _mm512_and_si512(a, b); }
RETORT_INLINE I ior(I a, I b) { return _mm512_or_si512(a, b); }
RETORT_INLINE I isub(I a, I b) { return _mm512_sub_epi32(a, b); }
RETORT_INLINE I iadd(I a, I b) { return _mm512_add_epi32(a, b); }
template <int kBits>
RETORT_INLINE I ishift_left(I a) {
  return _mm512_slli_epi32(a, kBits);
}
template <int kBits>
RETORT_INLINE I ishift_right(I a) {
  return _mm512_srli_epi32(a, kBits);
}
RETORT_INLINE F to_float(I a) { return _mm512_cvtepi32_ps(a); }

/// A scale of each row.
RETORT_INLINE I scales_u8(const std::uint8_t* s) {
  return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(s)));
}
RETORT_INLINE I scales_i8(const std::uint8_t* s) {
  return _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(s)));
}
/// An integer of each row.
RETORT_INLINE I ints_u8(const std::uint8_t* s) { return scales_u8(s); }
RETORT_INLINE I ints_i8(const std::uint8_t* s) { return scales_i8(s); }
/// Integers of 16 bits as times_sum() takes them: the upper halves, which meet the sum's sign there, are zeros.
RETORT_INLINE I as_factor(I a) { return _mm512_and_si512(a, _mm512_set1_epi32(0xffff)); }
/// a * sum, where the sum, of 32 activations, fits 16 bits: VPMADDWD takes half as long as VPMULLD.
RETORT_INLINE I times_sum(I a, std::int32_t sum) { return _mm512_madd_epi16(a, _mm512_set1_epi32(sum)); }
RETORT_INLINE I times(I a, I scale) { return _mm512_mullo_epi32(a, scale); }
RETORT_INLINE F float_u8(const std::uint8_t* s) { return _mm512_cvtepi32_ps(scales_u8(s)); }

RETORT_INLINE I four_codes(const std::int8_t* x) {
  std::int32_t word;
  __builtin_memcpy(&word, x, sizeof(word));
  return _mm512_set1_epi32(word);
}

/// What lies between the activations of two tokens, whose groups stand side by side.
constexpr std::int64_t kNextToken = kGroupColumns;

/// Adds kVectors * 4 codes times activations to the sums of kTokens tokens. An addition takes as long as four or five
/// of them may begin: a token alone has two chains, several have one each, side by side.
template <int kVectors, int kTokens>
RETORT_INLINE void add_dots(const I* w, const std::int8_t* x, I sums[kTokens]) {
  if constexpr (kTokens == 1) {
    I other = _mm512_setzero_si512();
    RETORT_UNROLL for (int v = 0; v < kVectors; v += 2) {
      sums[0] = _mm512_dpbusd_epi32(sums[0], w[v], four_codes(x + 4 * v));
      other = _mm512_dpbusd_epi32(other, w[v + 1], four_codes(x + 4 * v + 4));
    }
    sums[0] = _mm512_add_epi32(sums[0], other);
  } else {
    RETORT_UNROLL for (int v = 0; v < kVectors; ++v) {
      RETORT_UNROLL for (int t = 0; t < kTokens; ++t) {
        sums[t] = _mm512_dpbusd_epi32(sums[t], w[v], four_codes(x + t * kNextToken + 4 * v));
      }
    }
  }
}
/// Sums of the group's codes, of kBits, times activations of kTokens tokens.
template <int kBits, int kTokens>
RETORT_INLINE void dot(const I* w, const std::int8_t* x, const ActivationGroup* side, I sums[kTokens]) {
  if constexpr (kBits != 8) {
    RETORT_UNROLL for (int t = 0; t < kTokens; ++t) sums[t] = _mm512_setzero_si512();
    return add_dots<8, kTokens>(w, x, sums);
  }
  // Bytes made unsigned by adding 128, whose part is taken off.
  I bytes[8];
  RETORT_UNROLL for (int v = 0; v < 8; ++v) bytes[v] = _mm512_xor_si512(w[v], _mm512_set1_epi8(-128));
  RETORT_UNROLL for (int t = 0; t < kTokens; ++t) sums[t] = _mm512_set1_epi32(-128 * side[t].isum);
  add_dots<8, kTokens>(bytes, x, sums);
}

/// A scale of each row as scaled_dot() takes it. As a float, since VPMULLD is two operations and a product of less than
/// 2^24 is exact: 32 codes of 5 bits times activations stay below 2^17, a scale has 6 bits (of a broken file 8: then
/// it is rounded); 16 of 6 bits minus 32 make 2^16 at most, with a scale of 7.
using Factor = F;
RETORT_INLINE Factor factors_u8(const std::uint8_t* s) { return to_float(scales_u8(s)); }
RETORT_INLINE Factor factors_i8(const std::uint8_t* s) { return to_float(scales_i8(s)); }
template <int kBits, int kTokens>
RETORT_INLINE void scaled_dot(const I* w, const std::int8_t* x, const ActivationGroup* side, Factor scale,
                              F out[kTokens]) {
  I sums[kTokens];
  dot<kBits, kTokens>(w, x, side, sums);
  RETORT_UNROLL for (int t = 0; t < kTokens; ++t) out[t] = vmul(to_float(sums[t]), scale);
}
/// Sums of (code - 32) * activation, each half of the group times its scale; rounded once, as integers would be.
template <int kTokens>
RETORT_INLINE void scaled_dot_minus32(const I* w, const std::int8_t* x, const ActivationGroup* side,
                                      const Factor scales[2], F out[kTokens]) {
  I sums[2][kTokens];
  RETORT_UNROLL for (int h = 0; h < 2; ++h) {
    RETORT_UNROLL for (int t = 0; t < kTokens; ++t) {
      std::int32_t minus;
      __builtin_memcpy(&minus, side[t].minus + 2 * h, sizeof(minus));
      sums[h][t] = _mm512_madd_epi16(_mm512_set1_epi32(minus), _mm512_set1_epi16(1));
    }
    add_dots<4, kTokens>(w + 4 * h, x + 16 * h, sums[h]);
  }
  RETORT_UNROLL for (int t = 0; t < kTokens; ++t) {
    out[t] = vfma(to_float(sums[1][t]), scales[1], vmul(to_float(sums[0][t]), scales[0]));
  }
}

}  // namespace
}  // namespace retort
