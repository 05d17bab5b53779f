// GGUF types of 256 elements to a super-block (drawn in kernels/blocks.h), unpacked in registers for simd/matmul.h.
// Include after an ISA's vec.h. Group scales are multiplied out once per super-block, d * scale, as the format's
// arithmetic demands; the parts then read them back one by one.
#pragma once

#include "kernels/blocks.h"
#include "kernels/simd/compiler.h"
#include "kernels/simd/unpack_small.h"

namespace retort {
namespace {

RETORT_INLINE std::uint32_t load_u32(const std::uint8_t* p) {
  std::uint32_t word;
  __builtin_memcpy(&word, p, sizeof(word));
  return word;
}
RETORT_INLINE __m256i load32(const std::uint8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
RETORT_INLINE __m256i and8(__m256i a, int mask) {
  return _mm256_and_si256(a, _mm256_set1_epi8(static_cast<char>(mask)));
}

/// out[i] = factor * bytes[i], i < 8, bytes signed.
RETORT_INLINE void scale8(__m128i bytes, __m256 factor, float* out) {
  _mm256_store_ps(out, _mm256_mul_ps(factor, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes))));
}
RETORT_INLINE void scale16(__m128i bytes, __m256 factor, float* out) {
  scale8(bytes, factor, out);
  scale8(_mm_unpackhi_epi64(bytes, bytes), factor, out + 8);
}
RETORT_INLINE __m256 half8(std::uint16_t bits) { return _mm256_cvtph_ps(_mm_set1_epi16(static_cast<short>(bits))); }
RETORT_INLINE __m256 minus(__m256 a) { return _mm256_xor_ps(a, _mm256_set1_ps(-0.0f)); }

template <int kGroups>
struct GroupScales {
  alignas(32) float d[kGroups];
};
template <int kGroups>
struct GroupScalesMin {
  alignas(32) float d[kGroups];
  alignas(32) float m[kGroups];  ///< minus dmin * min: added, not subtracted
};

template <typename BlockType, int kPartCount>
struct Super {
  using Block = BlockType;
  static constexpr int kElements = kSuperBlock;
  static constexpr int kParts = kPartCount;
  static constexpr bool kWholeBlocks = true;
};

/// Passes a sink on, `offset` elements further.
template <typename Sink>
struct Shifted {
  Sink& sink;
  int offset;
  RETORT_INLINE void operator()(int i, F w) { sink(offset + i, w); }
};

/// Groups of 16 in each half of 32: scales 2g and 2g + 1.
template <typename Sink>
RETORT_INLINE void emit_pair(int g, __m256i q, const float* d, Sink& sink) {
  Shifted<Sink> shifted{sink, 32 * g};
  emit(q, vset(d[2 * g]), vset(d[2 * g + 1]), shifted);
}
template <typename Sink>
RETORT_INLINE void emit_pair(int g, __m256i q, const float* d, const float* m, Sink& sink) {
  Shifted<Sink> shifted{sink, 32 * g};
  emit(q, vset(d[2 * g]), vset(d[2 * g + 1]), vset(m[2 * g]), vset(m[2 * g + 1]), shifted);
}

struct Q2_K : Super<BlockQ2_K, 2> {
  using Scales = GroupScalesMin<16>;
  RETORT_INLINE static Scales prepare(const Block& b) {
    Scales s;
    const __m128i packed = _mm_loadu_si128(reinterpret_cast<const __m128i*>(b.scales));
    const __m128i mask = _mm_set1_epi8(15);
    scale16(_mm_and_si128(packed, mask), half8(b.d), s.d);
    scale16(_mm_and_si128(_mm_srli_epi16(packed, 4), mask), minus(half8(b.dmin)), s.m);
    return s;
  }
  template <typename Sink>
  RETORT_INLINE static void part(const Block& b, const Scales& s, int half, Sink& sink) {
    const __m256i q = load32(b.qs + 32 * half);
    const float* d = s.d + 8 * half;
    const float* m = s.m + 8 * half;
    emit_pair(0, and8(q, 3), d, m, sink);
    emit_pair(1, and8(_mm256_srli_epi16(q, 2), 3), d, m, sink);
    emit_pair(2, and8(_mm256_srli_epi16(q, 4), 3), d, m, sink);
    emit_pair(3, and8(_mm256_srli_epi16(q, 6), 3), d, m, sink);
  }
};

struct Q3_K : Super<BlockQ3_K, 2> {
  using Scales = GroupScales<16>;
  RETORT_INLINE static Scales prepare(const Block& b) {
    const std::uint32_t s0 = load_u32(b.scales);
    const std::uint32_t s1 = load_u32(b.scales + 4);
    const std::uint32_t high = load_u32(b.scales + 8);
    constexpr std::uint32_t kLow = 0x0f0f0f0f;
    constexpr std::uint32_t kTwo = 0x03030303;
    const __m128i bytes = _mm_setr_epi32(static_cast<int>((s0 & kLow) | ((high & kTwo) << 4)),
                                         static_cast<int>((s1 & kLow) | (((high >> 2) & kTwo) << 4)),
                                         static_cast<int>(((s0 >> 4) & kLow) | (((high >> 4) & kTwo) << 4)),
                                         static_cast<int>(((s1 >> 4) & kLow) | (((high >> 6) & kTwo) << 4)));
    Scales s;
    scale16(_mm_sub_epi8(bytes, _mm_set1_epi8(32)), half8(b.d), s.d);
    return s;
  }
  template <typename Sink>
  RETORT_INLINE static void part(const Block& b, const Scales& s, int half, Sink& sink) {
    const __m256i q = load32(b.qs + 32 * half);
    const __m256i missing = _mm256_xor_si256(load32(b.hmask), _mm256_set1_epi8(-1));
    // Bits 0..3 of `m`: the quarter has 4 less. Negative 4 is the two low bits with all others set.
    const __m256i m = half == 0 ? missing : _mm256_srli_epi16(missing, 4);
    const float* d = s.d + 8 * half;
    emit_pair(0, with_high(and8(q, 3), m, 1), d, sink);
    emit_pair(1, with_high(and8(_mm256_srli_epi16(q, 2), 3), m, 2), d, sink);
    emit_pair(2, with_high(and8(_mm256_srli_epi16(q, 4), 3), m, 4), d, sink);
    emit_pair(3, with_high(and8(_mm256_srli_epi16(q, 6), 3), m, 8), d, sink);
  }

 private:
  RETORT_INLINE static __m256i with_high(__m256i low, __m256i missing, int bit) {
    const __m256i mask = _mm256_set1_epi8(static_cast<char>(bit));
    const __m256i is_missing = _mm256_cmpeq_epi8(_mm256_and_si256(missing, mask), mask);
    return _mm256_or_si256(low, and8(is_missing, 0xfc));
  }
};

/// The 6-bit scales and minima that Q4_K and Q5_K share.
RETORT_INLINE GroupScalesMin<8> scales_6bit(const std::uint8_t (&packed)[12], std::uint16_t d, std::uint16_t dmin) {
  const std::uint32_t s0 = load_u32(packed);
  const std::uint32_t s1 = load_u32(packed + 4);
  const std::uint32_t s2 = load_u32(packed + 8);
  constexpr std::uint32_t kSix = 0x3f3f3f3f;
  constexpr std::uint32_t kLow = 0x0f0f0f0f;
  constexpr std::uint32_t kTwo = 0x03030303;
  const __m128i bytes = _mm_setr_epi32(static_cast<int>(s0 & kSix),                                // scales 0..3
                                       static_cast<int>((s2 & kLow) | (((s0 >> 6) & kTwo) << 4)),  // 4..7
                                       static_cast<int>(s1 & kSix),                                // minima 0..3
                                       static_cast<int>(((s2 >> 4) & kLow) | (((s1 >> 6) & kTwo) << 4)));  // 4..7
  GroupScalesMin<8> s;
  scale8(bytes, half8(d), s.d);
  scale8(_mm_unpackhi_epi64(bytes, bytes), minus(half8(dmin)), s.m);
  return s;
}

/// One group of 32.
template <typename Sink>
RETORT_INLINE void emit_group(int offset, __m256i q, float d, float m, Sink& sink) {
  Shifted<Sink> shifted{sink, offset};
  emit(q, vset(d), vset(d), vset(m), vset(m), shifted);
}

struct Q4_K : Super<BlockQ4_K, 4> {
  using Scales = GroupScalesMin<8>;
  RETORT_INLINE static Scales prepare(const Block& b) { return scales_6bit(b.scales, b.d, b.dmin); }
  template <typename Sink>
  RETORT_INLINE static void part(const Block& b, const Scales& s, int c, Sink& sink) {
    const __m256i q = load32(b.qs + 32 * c);
    emit_group(0, and8(q, 15), s.d[2 * c], s.m[2 * c], sink);
    emit_group(32, and8(_mm256_srli_epi16(q, 4), 15), s.d[2 * c + 1], s.m[2 * c + 1], sink);
  }
};

struct Q5_K : Super<BlockQ5_K, 4> {
  using Scales = GroupScalesMin<8>;
  RETORT_INLINE static Scales prepare(const Block& b) { return scales_6bit(b.scales, b.d, b.dmin); }
  template <typename Sink>
  RETORT_INLINE static void part(const Block& b, const Scales& s, int c, Sink& sink) {
    const __m256i q = load32(b.qs + 32 * c);
    // Bits 2c and 2c + 1 of h moved to bits 0 and 1. (What 16-bit shifts carry over from the neighbour is masked off.)
    const __m256i h = _mm256_srl_epi16(load32(b.qh), _mm_cvtsi32_si128(2 * c));
    const __m256i fifth0 = and8(_mm256_slli_epi16(h, 4), 16);
    const __m256i fifth1 = and8(_mm256_slli_epi16(h, 3), 16);
    emit_group(0, _mm256_or_si256(and8(q, 15), fifth0), s.d[2 * c], s.m[2 * c], sink);
    emit_group(32, _mm256_or_si256(and8(_mm256_srli_epi16(q, 4), 15), fifth1), s.d[2 * c + 1], s.m[2 * c + 1], sink);
  }
};

struct Q6_K : Super<BlockQ6_K, 2> {
  using Scales = GroupScales<16>;
  RETORT_INLINE static Scales prepare(const Block& b) {
    Scales s;
    scale16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(b.scales)), half8(b.d), s.d);
    return s;
  }
  template <typename Sink>
  RETORT_INLINE static void part(const Block& b, const Scales& s, int half, Sink& sink) {
    const __m256i q0 = load32(b.ql + 64 * half);
    const __m256i q1 = load32(b.ql + 64 * half + 32);
    const __m256i h = load32(b.qh + 32 * half);
    const float* d = s.d + 8 * half;
    emit_pair(0, join(and8(q0, 15), _mm256_slli_epi16(h, 4)), d, sink);
    emit_pair(1, join(and8(q1, 15), _mm256_slli_epi16(h, 2)), d, sink);
    emit_pair(2, join(and8(_mm256_srli_epi16(q0, 4), 15), h), d, sink);
    emit_pair(3, join(and8(_mm256_srli_epi16(q1, 4), 15), _mm256_srli_epi16(h, 2)), d, sink);
  }

 private:
  RETORT_INLINE static __m256i join(__m256i low, __m256i high) {
    return _mm256_sub_epi8(_mm256_or_si256(low, and8(high, 0x30)), _mm256_set1_epi8(32));
  }
};

struct IQ4_XS : Super<BlockIQ4_XS, 8> {
  using Scales = GroupScales<8>;
  RETORT_INLINE static Scales prepare(const Block& b) {
    alignas(8) std::int8_t bytes[8];
    for (int j = 0; j < 8; ++j) {
      const int low = (b.scales_l[j / 2] >> (4 * (j % 2))) & 15;
      const int high = (b.scales_h >> (2 * j)) & 3;
      bytes[j] = static_cast<std::int8_t>((low | (high << 4)) - 32);
    }
    Scales s;
    scale8(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes)), half8(b.d), s.d);
    return s;
  }
  template <typename Sink>
  RETORT_INLINE static void part(const Block& b, const Scales& s, int j, Sink& sink) {
    const F d = vset(s.d[j]);
    emit(iq4_values(nibbles(b.qs + 16 * j)), d, d, sink);
  }
};

}  // namespace
}  // namespace retort
