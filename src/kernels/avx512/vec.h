// The vector vocabulary that simd/*.h is written in, for AVX-512 F, BW, VL, DQ: 16 lanes of fp32.
//
// For the avx512 source files only, and all in anonymous namespaces: see tables.h. Tests also compile these files
// against SIMDe, so that their logic is checked on processors without AVX-512; an intrinsic that SIMDe lacks is
// supplied in tests/unit/kernels/simde/.
#pragma once

#include <cstdint>
#include <immintrin.h>

#include "kernels/simd/compiler.h"

namespace retort {
namespace {

using F = __m512;   // 16 fp32
using D = __m512d;  // 8 fp64
constexpr int kLanes = 16;
/// Tokens per tile of the GEMM: 4 rows x 6 tokens are 24 accumulators, 6 vectors of x and 1 of w: 31 of 32 registers,
/// and 10 loads for 24 FMAs.
constexpr int kTileTokens = 6;

RETORT_INLINE F vzero() { return _mm512_setzero_ps(); }
RETORT_INLINE F vset(float a) { return _mm512_set1_ps(a); }
RETORT_INLINE F vload(const float* p) { return _mm512_loadu_ps(p); }
RETORT_INLINE void vstore(float* p, F a) { _mm512_storeu_ps(p, a); }
RETORT_INLINE F vadd(F a, F b) { return _mm512_add_ps(a, b); }
RETORT_INLINE F vsub(F a, F b) { return _mm512_sub_ps(a, b); }
RETORT_INLINE F vmul(F a, F b) { return _mm512_mul_ps(a, b); }
RETORT_INLINE F vdiv(F a, F b) { return _mm512_div_ps(a, b); }
RETORT_INLINE F vfma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
/// The larger; b where either is NaN.
RETORT_INLINE F vmax(F a, F b) { return _mm512_max_ps(a, b); }
RETORT_INLINE F vmin(F a, F b) { return _mm512_min_ps(a, b); }
RETORT_INLINE F vround(F a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
/// Bit l set where lane l of a equals that of b.
RETORT_INLINE unsigned vequal(F a, F b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }

/// Lanes below n set; 0 <= n <= 16.
RETORT_INLINE __mmask16 first_lanes(std::int64_t n) { return static_cast<__mmask16>((1u << n) - 1u); }
/// p[0..n), the other lanes 0; touches nothing beyond.
RETORT_INLINE F vload_first(const float* p, std::int64_t n) { return _mm512_maskz_loadu_ps(first_lanes(n), p); }
RETORT_INLINE void vstore_first(float* p, F a, std::int64_t n) { _mm512_mask_storeu_ps(p, first_lanes(n), a); }

/// Lanes 0..7 plus lanes 8..15.
RETORT_INLINE __m256 fold(F a) {
  const __m512d pairs = _mm512_castps_pd(a);
  return _mm256_add_ps(_mm512_castps512_ps256(a), _mm256_castpd_ps(_mm512_extractf64x4_pd(pairs, 1)));
}
/// Lanes first..last - 1 of a, the others of b. Bounds may lie outside.
RETORT_INLINE F vselect_lanes(F a, F b, int first, int last) {
  const int from = first < 0 ? 0 : first > 16 ? 16 : first;
  const int to = last < 0 ? 0 : last > 16 ? 16 : last;
  return _mm512_mask_blend_ps(static_cast<__mmask16>(first_lanes(to) & ~first_lanes(from)), b, a);
}

/// 16 numbers added by halves: 16 to 8 to 4 to 2 to 1.
RETORT_INLINE float vsum16(const F* a) {
  const __m256 eight =
      _mm256_add_ps(_mm512_castps512_ps256(a[0]), _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(a[0]), 1)));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

// Sums of the lanes: folded, then always ((0+2) + (1+3)) + ((4+6) + (5+7)): vsum4 gives the same bits as four vsum.
RETORT_INLINE float vsum(F v) {
  const __m256 a = fold(v);
  const __m256 pairs = _mm256_add_ps(a, _mm256_permute_ps(a, 0x4e));
  const __m256 quads = _mm256_add_ps(pairs, _mm256_permute_ps(pairs, 0xb1));
  return _mm_cvtss_f32(_mm_add_ss(_mm256_castps256_ps128(quads), _mm256_extractf128_ps(quads, 1)));
}
RETORT_INLINE void vsum4(F va, F vb, F vc, F vd, float* out) {
  const __m256 a = fold(va);
  const __m256 b = fold(vb);
  const __m256 c = fold(vc);
  const __m256 d = fold(vd);
  const __m256 ab = _mm256_add_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));  // a02 b02 a13 b13 | ...
  const __m256 cd = _mm256_add_ps(_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
  const __m256 quads = _mm256_add_ps(_mm256_shuffle_ps(ab, cd, 0x44), _mm256_shuffle_ps(ab, cd, 0xee));
  _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(quads), _mm256_extractf128_ps(quads, 1)));
}

/// x * 2^n for whole n, rounded once.
RETORT_INLINE F vscale(F x, F n) { return _mm512_scalef_ps(x, n); }

RETORT_INLINE D dset(double a) { return _mm512_set1_pd(a); }
RETORT_INLINE D dadd(D a, D b) { return _mm512_add_pd(a, b); }
RETORT_INLINE D dmul(D a, D b) { return _mm512_mul_pd(a, b); }
RETORT_INLINE D dfma(D a, D b, D c) { return _mm512_fmadd_pd(a, b, c); }
RETORT_INLINE D dmax(D a, D b) { return _mm512_max_pd(a, b); }
RETORT_INLINE D dround(D a) { return _mm512_roundscale_pd(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
RETORT_INLINE D dscale(D x, D n) { return _mm512_scalef_pd(x, n); }
RETORT_INLINE D widen_low(F a) { return _mm512_cvtps_pd(_mm512_castps512_ps256(a)); }
RETORT_INLINE D widen_high(F a) {
  return _mm512_cvtps_pd(_mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(a), 1)));
}
RETORT_INLINE double dsum(D v) {
  const __m256d a = _mm256_add_pd(_mm512_castpd512_pd256(v), _mm512_extractf64x4_pd(v, 1));
  const __m128d pair = _mm_add_pd(_mm256_castpd256_pd128(a), _mm256_extractf128_pd(a, 1));
  return _mm_cvtsd_f64(_mm_add_sd(pair, _mm_unpackhi_pd(pair, pair)));
}

/// An fp16 number in every lane.
RETORT_INLINE F vset_f16(std::uint16_t bits) { return _mm512_cvtph_ps(_mm256_set1_epi16(static_cast<short>(bits))); }

// 16 elements of the plain formats.
RETORT_INLINE F vload_f16(const void* p) { return _mm512_cvtph_ps(_mm256_loadu_si256(static_cast<const __m256i*>(p))); }
RETORT_INLINE F vload_bf16(const void* p) {
  const __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(static_cast<const __m256i*>(p)));
  return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}
RETORT_INLINE F vload_i8(const void* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p))));
}
/// 16 pairs of bf16: the first of each pair, and the second.
RETORT_INLINE void split_bf16_pairs(const std::uint32_t* p, F& first, F& second) {
  const __m512i pairs = _mm512_loadu_si512(p);
  first = _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16));
  second = _mm512_castsi512_ps(_mm512_and_si512(pairs, _mm512_set1_epi32(static_cast<int>(0xffff0000))));
}
/// 16 fours of signed bytes: the first of each four, the second, the third, the fourth.
RETORT_INLINE void split_i8_fours(const std::uint32_t* p, F out[4]) {
  const __m512i fours = _mm512_loadu_si512(p);
  out[0] = _mm512_cvtepi32_ps(_mm512_srai_epi32(_mm512_slli_epi32(fours, 24), 24));
  out[1] = _mm512_cvtepi32_ps(_mm512_srai_epi32(_mm512_slli_epi32(fours, 16), 24));
  out[2] = _mm512_cvtepi32_ps(_mm512_srai_epi32(_mm512_slli_epi32(fours, 8), 24));
  out[3] = _mm512_cvtepi32_ps(_mm512_srai_epi32(fours, 24));
}
/// The same of fp8 e4m3 that are neither NaN nor subnormal: exponent and mantissa moved to fp32's place are the value
/// times 2^-120.
RETORT_INLINE F move_f8e4m3(__m512i high_bytes) {
  const __m512i kept = _mm512_set1_epi32(static_cast<int>(0x87f00000));
  return vmul(_mm512_castsi512_ps(_mm512_and_si512(_mm512_srai_epi32(high_bytes, 4), kept)), vset(0x1p120f));
}
RETORT_INLINE void split_f8e4m3_fours(const std::uint32_t* p, F out[4]) {
  const __m512i fours = _mm512_loadu_si512(p);
  out[0] = move_f8e4m3(_mm512_slli_epi32(fours, 24));
  out[1] = move_f8e4m3(_mm512_slli_epi32(fours, 16));
  out[2] = move_f8e4m3(_mm512_slli_epi32(fours, 8));
  out[3] = move_f8e4m3(fours);
}
/// fp8 e4m3: exponent and mantissa moved to fp16's place are the value times 2^-8, subnormals included (and, unlike
/// fp32 ones, converted at full speed).
RETORT_INLINE F vload_f8e4m3(const void* p) {
  const __m256i wide = _mm256_cvtepu8_epi16(_mm_loadu_si128(static_cast<const __m128i*>(p)));
  const __m256i magnitude = _mm256_and_si256(wide, _mm256_set1_epi16(0x7f));
  const __m256i sign = _mm256_slli_epi16(_mm256_andnot_si256(_mm256_set1_epi16(0x7f), wide), 8);
  const __m256i nan =
      _mm256_and_si256(_mm256_cmpeq_epi16(magnitude, _mm256_set1_epi16(0x7f)), _mm256_set1_epi16(0x7e00));
  const __m256i half = _mm256_or_si256(_mm256_or_si256(_mm256_slli_epi16(magnitude, 7), sign), nan);
  return _mm512_mul_ps(_mm512_cvtph_ps(half), _mm512_set1_ps(256.0f));
}

RETORT_INLINE F widen_i8(__m128i bytes) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes)); }

/// 2 x 16 fp32 of 32 signed bytes, the first 16 times s0 and the last times s1.
template <typename Sink>
RETORT_INLINE void emit(__m256i q, F s0, F s1, Sink& sink) {
  sink(0, _mm512_mul_ps(s0, widen_i8(_mm256_castsi256_si128(q))));
  sink(16, _mm512_mul_ps(s1, widen_i8(_mm256_extracti128_si256(q, 1))));
}
/// The same, times s0 or s1 plus m0 or m1. Fused, and yet equal to multiplying first and adding then: the product of
/// an fp16 scale (11 bits), its small integer (6 bits) and the quant (5 bits) is exact in fp32.
template <typename Sink>
RETORT_INLINE void emit(__m256i q, F s0, F s1, F m0, F m1, Sink& sink) {
  sink(0, _mm512_fmadd_ps(s0, widen_i8(_mm256_castsi256_si128(q)), m0));
  sink(16, _mm512_fmadd_ps(s1, widen_i8(_mm256_extracti128_si256(q, 1)), m1));
}

}  // namespace
}  // namespace retort
