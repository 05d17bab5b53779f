// Stands before the compiler's <immintrin.h> when the avx512 kernels are built for tests: AVX2 stays native, the
// AVX-512 intrinsics become SIMDe's, and the few that SIMDe 0.7.4 lacks are made of AVX2 halves here.
#pragma once
#pragma GCC system_header  // #include_next and what SIMDe does are extensions; our warnings are for our code

#include_next <immintrin.h>

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx2.h>
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>
#include <simde/x86/fma.h>

namespace retort_simde {
namespace {

inline simde__m512 join(__m256 low, __m256 high) {
  simde__m512 out;
  __builtin_memcpy(&out, &low, 32);
  __builtin_memcpy(reinterpret_cast<char*>(&out) + 32, &high, 32);
  return out;
}
inline simde__m512i join(__m256i low, __m256i high) {
  simde__m512i out;
  __builtin_memcpy(&out, &low, 32);
  __builtin_memcpy(reinterpret_cast<char*>(&out) + 32, &high, 32);
  return out;
}

inline simde__m512 maskz_loadu_ps(simde__mmask16 mask, const float* p) {
  float lanes[16] = {};
  for (int i = 0; i < 16; ++i) {
    if ((mask >> i) & 1) lanes[i] = p[i];
  }
  return simde_mm512_loadu_ps(lanes);
}
inline void mask_storeu_ps(float* p, simde__mmask16 mask, simde__m512 a) {
  float lanes[16];
  simde_mm512_storeu_ps(lanes, a);
  for (int i = 0; i < 16; ++i) {
    if ((mask >> i) & 1) p[i] = lanes[i];
  }
}
inline simde__m512i cvtepi8_epi32(__m128i a) {
  return join(_mm256_cvtepi8_epi32(a), _mm256_cvtepi8_epi32(_mm_unpackhi_epi64(a, a)));
}
inline simde__m512i cvtepu8_epi32(__m128i a) {
  return join(_mm256_cvtepu8_epi32(a), _mm256_cvtepu8_epi32(_mm_unpackhi_epi64(a, a)));
}
inline simde__m512i cvtepu16_epi32(__m256i a) {
  return join(_mm256_cvtepu16_epi32(_mm256_castsi256_si128(a)), _mm256_cvtepu16_epi32(_mm256_extracti128_si256(a, 1)));
}
inline simde__m512 cvtph_ps(__m256i a) {
  return join(_mm256_cvtph_ps(_mm256_castsi256_si128(a)), _mm256_cvtph_ps(_mm256_extracti128_si256(a, 1)));
}
inline simde__m512 cvtepi32_ps(simde__m512i a) {
  __m256i halves[2];
  __builtin_memcpy(halves, &a, 64);
  return join(_mm256_cvtepi32_ps(halves[0]), _mm256_cvtepi32_ps(halves[1]));
}
template <int kBits>
simde__m512i srai_epi32(simde__m512i a) {
  __m256i halves[2];
  __builtin_memcpy(halves, &a, 64);
  return join(_mm256_srai_epi32(halves[0], kBits), _mm256_srai_epi32(halves[1], kBits));
}
inline simde__m512d cvtps_pd(__m256 a) {
  const __m256d low = _mm256_cvtps_pd(_mm256_castps256_ps128(a));
  const __m256d high = _mm256_cvtps_pd(_mm256_extractf128_ps(a, 1));
  simde__m512d out;
  __builtin_memcpy(&out, &low, 32);
  __builtin_memcpy(reinterpret_cast<char*>(&out) + 32, &high, 32);
  return out;
}

}  // namespace
}  // namespace retort_simde

#define _mm512_maskz_loadu_ps(mask, p) retort_simde::maskz_loadu_ps(mask, p)
#define _mm512_mask_storeu_ps(p, mask, a) retort_simde::mask_storeu_ps(p, mask, a)
#define _mm512_cvtepi8_epi32(a) retort_simde::cvtepi8_epi32(a)
#define _mm512_cvtepu8_epi32(a) retort_simde::cvtepu8_epi32(a)
#define _mm512_cvtepu16_epi32(a) retort_simde::cvtepu16_epi32(a)
#define _mm512_cvtph_ps(a) retort_simde::cvtph_ps(a)
#undef _mm512_cvtepi32_ps
#define _mm512_cvtepi32_ps(a) retort_simde::cvtepi32_ps(a)
#define _mm512_srai_epi32(a, bits) retort_simde::srai_epi32<bits>(a)
#define _mm512_cvtps_pd(a) retort_simde::cvtps_pd(a)
#undef _mm512_madd_epi16  // SIMDe 0.7.4's name takes the arguments of the masked one
#define _mm512_madd_epi16(a, b) simde_mm512_madd_epi16(a, b)
