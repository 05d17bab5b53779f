// fp32 activations to int8, 32 at a time; kernels/packed.h defines it. 256-bit code that both AVX2 and AVX-512 use: it is
// a thousandth of the product that follows. Include after an ISA's vec.h.
#pragma once

#include "kernels/kernels.h"
#include "kernels/simd/compiler.h"

namespace retort {
namespace {

RETORT_INLINE void quantize_group(const float* x, std::int8_t* codes, ActivationGroup& group) {
  const __m256i magnitude = _mm256_set1_epi32(0x7fffffff);
  __m256 v[4];
  __m256i largest = _mm256_setzero_si256();
  RETORT_UNROLL for (int i = 0; i < 4; ++i) {
    v[i] = _mm256_loadu_ps(x + 8 * i);
    largest = _mm256_max_epi32(largest, _mm256_and_si256(_mm256_castps_si256(v[i]), magnitude));
  }
  __m128i m = _mm_max_epi32(_mm256_castsi256_si128(largest), _mm256_extracti128_si256(largest, 1));
  m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0x4e));
  m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0xb1));
  const std::int32_t bits = _mm_cvtsi128_si32(m);
  constexpr std::int32_t kInfinityBits = 0x7f800000;
  constexpr std::int32_t kLeastBits = (127 - 100) << 23;  // 2^-100
  if (bits >= kInfinityBits || bits < kLeastBits) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(codes), _mm256_setzero_si256());
    const float all = bits >= kInfinityBits ? __builtin_nanf("") : 0.0f;
    group = {all, all, 0, {0, 0, 0, 0}};
    return;
  }
  const float max = _mm_cvtss_f32(_mm_castsi128_ps(m));
  const __m256 inverse = _mm256_set1_ps(127.0f / max);
  __m256i words[4];
  RETORT_UNROLL for (int i = 0; i < 4; ++i) words[i] = _mm256_cvtps_epi32(_mm256_mul_ps(v[i], inverse));
  // Both packs work within 128-bit halves: dword j of the result comes from words[j % 4], low half first.
  const __m256i bytes =
      _mm256_packs_epi16(_mm256_packs_epi32(words[0], words[1]), _mm256_packs_epi32(words[2], words[3]));
  const __m256i q = _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(codes), q);
  // Sums of 8 bytes each, made unsigned by adding 128.
  const __m256i sums = _mm256_sad_epu8(_mm256_xor_si256(q, _mm256_set1_epi8(-128)), _mm256_setzero_si256());
  alignas(32) std::int64_t eights[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(eights), sums);
  std::int32_t isum = 0;
  RETORT_UNROLL for (int i = 0; i < 4; ++i) {
    const auto sum = static_cast<std::int32_t>(eights[i]) - 8 * 128;
    isum += sum;
    group.minus[i] = static_cast<std::int16_t>(-32 * sum);
  }
  group.isum = isum;
  group.scale = max / 127.0f;
  group.sum = group.scale * static_cast<float>(isum);
}

void quantize_rows(const QuantizeArgs& a) {
  const QuantizedRows& out = a.out;
  const std::int64_t groups = out.columns / kGroupColumns;
  for (std::int64_t first = 0; first < out.tokens; first += kTokenTile) {
    const std::int64_t left = out.tokens - first;
    const std::int64_t n = left < kTokenTile ? left : kTokenTile;
    for (std::int64_t t = 0; t < n; ++t) {
      const float* x = a.x + (first + t) * a.x_stride;
      for (std::int64_t g = a.first_group; g < a.last_group; ++g) {
        const std::int64_t at = first * groups + g * n + t;
        quantize_group(x + g * kGroupColumns, out.codes + at * kGroupColumns, out.side[at]);
      }
    }
  }
}

}  // namespace
}  // namespace retort
