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
/// Stands for no scale at all: nothing is multiplied.
struct One {};
RETORT_INLINE One scale_one() { return {}; }
RETORT_INLINE I times(I a, I scale) { return _mm512_mullo_epi32(a, scale); }
RETORT_INLINE I times(I a, One) { return a; }
RETORT_INLINE F float_u8(const std::uint8_t* s) { return _mm512_cvtepi32_ps(scales_u8(s)); }

RETORT_INLINE I four_codes(const std::int8_t* x) {
  std::int32_t word;
  __builtin_memcpy(&word, x, sizeof(word));
  return _mm512_set1_epi32(word);
}

/// scale * (sum of kVectors * 4 codes times activations), codes of kBits.
template <int kBits, int kVectors, typename Scale>
RETORT_INLINE I dot(const I* w, const std::int8_t* x, const ActivationGroup& side, Scale scale) {
  // Two chains: an addition takes as long as four or five of them may begin.
  I even = _mm512_setzero_si512();
  I odd = _mm512_setzero_si512();
  if constexpr (kBits == 8) even = _mm512_set1_epi32(-128 * side.isum);
  RETORT_UNROLL for (int v = 0; v < kVectors; ++v) {
    // Bytes made unsigned by adding 128, whose part is taken off above.
    const I codes = kBits == 8 ? _mm512_xor_si512(w[v], _mm512_set1_epi8(-128)) : w[v];
    I& sum = v % 2 == 0 ? even : odd;
    sum = _mm512_dpbusd_epi32(sum, codes, four_codes(x + 4 * v));
  }
  return times(_mm512_add_epi32(even, odd), scale);
}

/// scale * sum of (code - 32) * activation over half `kHalf` of a group.
template <int kHalf>
RETORT_INLINE I dot_minus32(const I* w, const std::int8_t* x, const ActivationGroup& side, I scale) {
  I even = _mm512_set1_epi32(side.minus[2 * kHalf] + side.minus[2 * kHalf + 1]);
  I odd = _mm512_setzero_si512();
  RETORT_UNROLL for (int v = 4 * kHalf; v < 4 * kHalf + 4; v += 2) {
    even = _mm512_dpbusd_epi32(even, w[v], four_codes(x + 4 * v));
    odd = _mm512_dpbusd_epi32(odd, w[v + 1], four_codes(x + 4 * v + 4));
  }
  return times(_mm512_add_epi32(even, odd), scale);
}

}  // namespace
}  // namespace retort
