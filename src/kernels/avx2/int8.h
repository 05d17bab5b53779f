// The vocabulary of simd/packed.h for AVX2: 8 rows at a time, so a panel is two halves.
//
// VPMADDUBSW multiplies unsigned by signed bytes and adds two neighbours into 16 bits, saturating. With activations of
// at most 127 in magnitude two neighbours reach 2 * 127 * code, so 16 bits hold
//
//   4-bit codes:  2 * 127 * 15 =  3,810:  8 of them, a whole group
//   5-bit codes:  2 * 127 * 31 =  7,874:  4
//   6-bit codes:  2 * 127 * 63 = 16,002:  2
//   bytes:        2 * 127 * 128 = 32,512: 1, of |w| and x with w's sign
//
// before VPMADDWD adds those pairs into 32 bits, and there the scale of the group multiplies for nothing.
#pragma once

#include "kernels/avx2/vec.h"
#include "kernels/packed.h"

namespace retort {
namespace {

using I = __m256i;
constexpr int kHalves = 2;

RETORT_INLINE I iload(const std::uint8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
RETORT_INLINE I iset(std::int32_t a) { return _mm256_set1_epi32(a); }
RETORT_INLINE I iset_bytes(int a) { return _mm256_set1_epi8(static_cast<char>(a)); }
RETORT_INLINE I iand(I a, I b) { return _mm256_and_si256(a, b); }
RETORT_INLINE I ior(I a, I b) { return _mm256_or_si256(a, b); }
RETORT_INLINE I isub(I a, I b) { return _mm256_sub_epi32(a, b); }
template <int kBits>
RETORT_INLINE I ishift_left(I a) {
  return _mm256_slli_epi32(a, kBits);
}
template <int kBits>
RETORT_INLINE I ishift_right(I a) {
  return _mm256_srli_epi32(a, kBits);
}
RETORT_INLINE F to_float(I a) { return _mm256_cvtepi32_ps(a); }

/// A scale of each row as scaled_dot() takes it: pairs of 16 bits for VPMADDWD.
using Factor = I;
RETORT_INLINE Factor factors_u8(const std::uint8_t* s) {
  const I wide = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(s)));
  return _mm256_or_si256(wide, _mm256_slli_epi32(wide, 16));
}
RETORT_INLINE Factor factors_i8(const std::uint8_t* s) {
  const I wide = _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(s)));
  return _mm256_blend_epi16(wide, _mm256_slli_epi32(wide, 16), 0xaa);
}
/// An integer of each row.
RETORT_INLINE I ints_u8(const std::uint8_t* s) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(s)));
}
RETORT_INLINE I ints_i8(const std::uint8_t* s) {
  return _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(s)));
}
/// Integers of 16 bits as times_sum() takes them: the upper halves, which meet the sum's sign there, are zeros.
RETORT_INLINE I as_factor(I a) { return _mm256_blend_epi16(a, _mm256_setzero_si256(), 0xaa); }
/// a * sum, where the sum, of 32 activations, fits 16 bits: VPMADDWD takes half as long as VPMULLD.
RETORT_INLINE I times_sum(I a, std::int32_t sum) { return _mm256_madd_epi16(a, _mm256_set1_epi32(sum)); }
RETORT_INLINE F float_u8(const std::uint8_t* s) {
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(s))));
}

RETORT_INLINE I four_codes(const std::int8_t* x) {
  std::int32_t word;
  __builtin_memcpy(&word, x, sizeof(word));
  return _mm256_set1_epi32(word);
}

/// scale * (sum of kVectors * 4 codes times activations), codes of kBits.
template <int kBits, int kVectors>
RETORT_INLINE I dot_times(const I* w, const std::int8_t* x, Factor scale) {
  if constexpr (kBits == 8) {
    I sum = _mm256_setzero_si256();
    RETORT_UNROLL for (int v = 0; v < kVectors; ++v) {
      const I pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w[v]), _mm256_sign_epi8(four_codes(x + 4 * v), w[v]));
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, scale));
    }
    return sum;
  } else {
    constexpr int kTogether = kBits == 4 ? 8 : kBits == 5 ? 4 : 2;
    I sum = _mm256_setzero_si256();
    RETORT_UNROLL for (int v = 0; v < kVectors; v += kTogether) {
      I pairs = _mm256_maddubs_epi16(w[v], four_codes(x + 4 * v));
      RETORT_UNROLL for (int j = 1; j < kTogether; ++j) {
        pairs = _mm256_add_epi16(pairs, _mm256_maddubs_epi16(w[v + j], four_codes(x + 4 * (v + j))));
      }
      const I part = _mm256_madd_epi16(pairs, scale);
      sum = v == 0 ? part : _mm256_add_epi32(sum, part);
    }
    return sum;
  }
}

/// What lies between the activations of two tokens, whose groups stand side by side.
constexpr std::int64_t kNextToken = kGroupColumns;

/// Sums of the group's codes, of kBits, times activations of kTokens tokens.
template <int kBits, int kTokens>
RETORT_INLINE void dot(const I* w, const std::int8_t* x, const ActivationGroup*, I sums[kTokens]) {
  RETORT_UNROLL for (int t = 0; t < kTokens; ++t) {
    sums[t] = dot_times<kBits, 8>(w, x + t * kNextToken, _mm256_set1_epi16(1));
  }
}
template <int kBits, int kTokens>
RETORT_INLINE void scaled_dot(const I* w, const std::int8_t* x, const ActivationGroup*, Factor scale, F out[kTokens]) {
  RETORT_UNROLL for (int t = 0; t < kTokens; ++t) out[t] = to_float(dot_times<kBits, 8>(w, x + t * kNextToken, scale));
}
/// Sums of (code - 32) * activation, each half of the group times its scale.
template <int kTokens>
RETORT_INLINE void scaled_dot_minus32(const I* w, const std::int8_t* x, const ActivationGroup* side,
                                      const Factor scales[2], F out[kTokens]) {
  RETORT_UNROLL for (int t = 0; t < kTokens; ++t) {
    I sum = _mm256_setzero_si256();
    RETORT_UNROLL for (int h = 0; h < 2; ++h) {
      std::int32_t minus;
      __builtin_memcpy(&minus, side[t].minus + 2 * h, sizeof(minus));
      const I offset = _mm256_madd_epi16(_mm256_set1_epi32(minus), scales[h]);
      const I half = dot_times<6, 4>(w + 4 * h, x + t * kNextToken + 16 * h, scales[h]);
      sum = _mm256_add_epi32(sum, _mm256_add_epi32(half, offset));
    }
    out[t] = to_float(sum);
  }
}

}  // namespace
}  // namespace retort
