// The vector vocabulary that simd/*.h is written in, for AVX2 + FMA + F16C: 8 lanes of fp32.
//
// For the avx2 source files only, and all in anonymous namespaces: see tables.h.
#pragma once

#include <cstdint>
#include <immintrin.h>

#include "kernels/simd/compiler.h"

namespace retort {
namespace {

using F = __m256;   // 8 fp32
using D = __m256d;  // 4 fp64
constexpr int kLanes = 8;
/// Tokens per tile of the GEMM: 4 rows x 3 tokens are 12 accumulators, 3 vectors of x and 1 of w: all 16 registers.
constexpr int kTileTokens = 3;

RETORT_INLINE F vzero() { return _mm256_setzero_ps(); }
RETORT_INLINE F vset(float a) { return _mm256_set1_ps(a); }
RETORT_INLINE F vload(const float* p) { return _mm256_loadu_ps(p); }
RETORT_INLINE void vstore(float* p, F a) { _mm256_storeu_ps(p, a); }
RETORT_INLINE F vadd(F a, F b) { return _mm256_add_ps(a, b); }
RETORT_INLINE F vsub(F a, F b) { return _mm256_sub_ps(a, b); }
RETORT_INLINE F vmul(F a, F b) { return _mm256_mul_ps(a, b); }
RETORT_INLINE F vdiv(F a, F b) { return _mm256_div_ps(a, b); }
RETORT_INLINE F vfma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
/// The larger; b where either is NaN.
RETORT_INLINE F vmax(F a, F b) { return _mm256_max_ps(a, b); }
RETORT_INLINE F vmin(F a, F b) { return _mm256_min_ps(a, b); }
RETORT_INLINE F vround(F a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
/// Bit l set where lane l of a equals that of b.
RETORT_INLINE unsigned vequal(F a, F b) {
  return static_cast<unsigned>(_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_EQ_OQ)));
}

/// Lanes below n set; 0 <= n <= 8.
RETORT_INLINE __m256i first_lanes(std::int64_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
/// p[0..n), the other lanes 0; touches nothing beyond.
RETORT_INLINE F vload_first(const float* p, std::int64_t n) { return _mm256_maskload_ps(p, first_lanes(n)); }
RETORT_INLINE void vstore_first(float* p, F a, std::int64_t n) { _mm256_maskstore_ps(p, first_lanes(n), a); }

/// Lanes first..last - 1 of a, the others of b. Bounds may lie outside.
RETORT_INLINE F vselect_lanes(F a, F b, int first, int last) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i below = _mm256_cmpgt_epi32(_mm256_set1_epi32(last), lane);
  const __m256i before = _mm256_cmpgt_epi32(_mm256_set1_epi32(first), lane);
  return _mm256_blendv_ps(b, a, _mm256_castsi256_ps(_mm256_andnot_si256(before, below)));
}

/// 16 numbers, lanes of two vectors, added by halves: 16 to 8 to 4 to 2 to 1.
RETORT_INLINE float vsum16(const F* a) {
  const F eight = _mm256_add_ps(a[0], a[1]);
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

// Sums of the lanes, always ((0+2) + (1+3)) + ((4+6) + (5+7)): vsum4 gives the same bits as four vsum.
RETORT_INLINE float vsum(F a) {
  const F pairs = _mm256_add_ps(a, _mm256_permute_ps(a, 0x4e));
  const F quads = _mm256_add_ps(pairs, _mm256_permute_ps(pairs, 0xb1));
  return _mm_cvtss_f32(_mm_add_ss(_mm256_castps256_ps128(quads), _mm256_extractf128_ps(quads, 1)));
}
RETORT_INLINE void vsum4(F a, F b, F c, F d, float* out) {
  const F ab = _mm256_add_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));  // a02 b02 a13 b13 | ...
  const F cd = _mm256_add_ps(_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
  const F quads = _mm256_add_ps(_mm256_shuffle_ps(ab, cd, 0x44), _mm256_shuffle_ps(ab, cd, 0xee));
  _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(quads), _mm256_extractf128_ps(quads, 1)));
}

/// x * 2^n for whole n of -300..300, rounded once: the power is applied in halves so that neither half over- or
/// underflows on its own (the first product is exact for x of 0.5..2).
RETORT_INLINE F vscale(F x, F n) {
  const __m256i k = _mm256_cvtps_epi32(n);
  const __m256i half = _mm256_srai_epi32(k, 1);
  const auto power = [](__m256i e) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(e, _mm256_set1_epi32(127)), 23));
  };
  return _mm256_mul_ps(_mm256_mul_ps(x, power(half)), power(_mm256_sub_epi32(k, half)));
}

RETORT_INLINE D dset(double a) { return _mm256_set1_pd(a); }
RETORT_INLINE D dadd(D a, D b) { return _mm256_add_pd(a, b); }
RETORT_INLINE D dmul(D a, D b) { return _mm256_mul_pd(a, b); }
RETORT_INLINE D dfma(D a, D b, D c) { return _mm256_fmadd_pd(a, b, c); }
RETORT_INLINE D dmax(D a, D b) { return _mm256_max_pd(a, b); }
RETORT_INLINE D dround(D a) { return _mm256_round_pd(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
/// x * 2^n for whole n of -1022..1023.
RETORT_INLINE D dscale(D x, D n) {
  const __m256i k = _mm256_cvtepi32_epi64(_mm256_cvtpd_epi32(n));
  return _mm256_mul_pd(x, _mm256_castsi256_pd(_mm256_slli_epi64(_mm256_add_epi64(k, _mm256_set1_epi64x(1023)), 52)));
}
RETORT_INLINE D widen_low(F a) { return _mm256_cvtps_pd(_mm256_castps256_ps128(a)); }
RETORT_INLINE D widen_high(F a) { return _mm256_cvtps_pd(_mm256_extractf128_ps(a, 1)); }
RETORT_INLINE double dsum(D a) {
  const __m128d pair = _mm_add_pd(_mm256_castpd256_pd128(a), _mm256_extractf128_pd(a, 1));
  return _mm_cvtsd_f64(_mm_add_sd(pair, _mm_unpackhi_pd(pair, pair)));
}

/// An fp16 number in every lane.
RETORT_INLINE F vset_f16(std::uint16_t bits) { return _mm256_cvtph_ps(_mm_set1_epi16(static_cast<short>(bits))); }

// 8 elements of the plain formats.
RETORT_INLINE F vload_f16(const void* p) { return _mm256_cvtph_ps(_mm_loadu_si128(static_cast<const __m128i*>(p))); }
RETORT_INLINE F vload_bf16(const void* p) {
  const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p)));
  return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}
RETORT_INLINE F vload_i8(const void* p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(static_cast<const __m128i*>(p))));
}
/// fp8 e4m3: exponent and mantissa moved to fp16's place are the value times 2^-8, subnormals included (and, unlike
/// fp32 ones, converted at full speed).
RETORT_INLINE F vload_f8e4m3(const void* p) {
  const __m128i wide = _mm_cvtepu8_epi16(_mm_loadl_epi64(static_cast<const __m128i*>(p)));
  const __m128i magnitude = _mm_and_si128(wide, _mm_set1_epi16(0x7f));
  const __m128i sign = _mm_slli_epi16(_mm_andnot_si128(_mm_set1_epi16(0x7f), wide), 8);
  const __m128i nan = _mm_and_si128(_mm_cmpeq_epi16(magnitude, _mm_set1_epi16(0x7f)), _mm_set1_epi16(0x7e00));
  const __m128i half = _mm_or_si128(_mm_or_si128(_mm_slli_epi16(magnitude, 7), sign), nan);
  return _mm256_mul_ps(_mm256_cvtph_ps(half), _mm256_set1_ps(256.0f));
}

/// 8 pairs of bf16: the first of each pair, and the second.
RETORT_INLINE void split_bf16_pairs(const std::uint32_t* p, F& first, F& second) {
  const __m256i pairs = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  first = _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16));
  second = _mm256_castsi256_ps(_mm256_and_si256(pairs, _mm256_set1_epi32(static_cast<int>(0xffff0000))));
}
/// 8 fours of signed bytes: the first of each four, the second, the third, the fourth.
RETORT_INLINE void split_i8_fours(const std::uint32_t* p, F out[4]) {
  const __m256i fours = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  out[0] = _mm256_cvtepi32_ps(_mm256_srai_epi32(_mm256_slli_epi32(fours, 24), 24));
  out[1] = _mm256_cvtepi32_ps(_mm256_srai_epi32(_mm256_slli_epi32(fours, 16), 24));
  out[2] = _mm256_cvtepi32_ps(_mm256_srai_epi32(_mm256_slli_epi32(fours, 8), 24));
  out[3] = _mm256_cvtepi32_ps(_mm256_srai_epi32(fours, 24));
}
/// The same of fp8 e4m3 that are neither NaN nor subnormal: exponent and mantissa moved to fp32's place are the value
/// times 2^-120.
RETORT_INLINE F move_f8e4m3(__m256i high_bytes) {
  const __m256i kept = _mm256_set1_epi32(static_cast<int>(0x87f00000));
  return vmul(_mm256_castsi256_ps(_mm256_and_si256(_mm256_srai_epi32(high_bytes, 4), kept)), vset(0x1p120f));
}
RETORT_INLINE void split_f8e4m3_fours(const std::uint32_t* p, F out[4]) {
  const __m256i fours = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  out[0] = move_f8e4m3(_mm256_slli_epi32(fours, 24));
  out[1] = move_f8e4m3(_mm256_slli_epi32(fours, 16));
  out[2] = move_f8e4m3(_mm256_slli_epi32(fours, 8));
  out[3] = move_f8e4m3(fours);
}

/// 4 x 8 fp32 of 32 signed bytes, the first 16 times s0 and the last times s1.
template <typename Sink>
RETORT_INLINE void emit(__m256i q, F s0, F s1, Sink& sink) {
  const __m128i low = _mm256_castsi256_si128(q);
  const __m128i high = _mm256_extracti128_si256(q, 1);
  const auto widen = [](__m128i bytes) { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)); };
  sink(0, _mm256_mul_ps(s0, widen(low)));
  sink(8, _mm256_mul_ps(s0, widen(_mm_unpackhi_epi64(low, low))));
  sink(16, _mm256_mul_ps(s1, widen(high)));
  sink(24, _mm256_mul_ps(s1, widen(_mm_unpackhi_epi64(high, high))));
}
/// The same, times s0 or s1 plus m0 or m1. Fused, and yet equal to multiplying first and adding then: the product of
/// an fp16 scale (11 bits), its small integer (6 bits) and the quant (5 bits) is exact in fp32.
template <typename Sink>
RETORT_INLINE void emit(__m256i q, F s0, F s1, F m0, F m1, Sink& sink) {
  const __m128i low = _mm256_castsi256_si128(q);
  const __m128i high = _mm256_extracti128_si256(q, 1);
  const auto widen = [](__m128i bytes) { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)); };
  sink(0, _mm256_fmadd_ps(s0, widen(low), m0));
  sink(8, _mm256_fmadd_ps(s0, widen(_mm_unpackhi_epi64(low, low)), m0));
  sink(16, _mm256_fmadd_ps(s1, widen(high), m1));
  sink(24, _mm256_fmadd_ps(s1, widen(_mm_unpackhi_epi64(high, high)), m1));
}

}  // namespace
}  // namespace retort
