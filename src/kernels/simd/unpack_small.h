// GGUF types of 32 elements to a block (drawn in kernels/blocks.h), unpacked in registers for simd/matmul.h.
// Include after an ISA's vec.h. The bytes are handled 32 at a time on every ISA; vec.h widens them.
#pragma once

#include "kernels/blocks.h"
#include "kernels/simd/compiler.h"

namespace retort {
namespace {

/// 16 bytes to 32: the low nibbles, then the high ones.
RETORT_INLINE __m256i nibbles(const std::uint8_t* qs) {
  const __m128i q = _mm_loadu_si128(reinterpret_cast<const __m128i*>(qs));
  return _mm256_and_si256(_mm256_set_m128i(_mm_srli_epi16(q, 4), q), _mm256_set1_epi8(15));
}

/// Byte i is all ones where bit i of the 4 bytes is set.
RETORT_INLINE __m256i bits_to_bytes(const std::uint8_t* qh) {
  std::int32_t word;
  __builtin_memcpy(&word, qh, sizeof(word));
  const __m256i spread = _mm256_shuffle_epi8(
      _mm256_set1_epi32(word), _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303));
  const __m256i bit = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201));
  return _mm256_cmpeq_epi8(_mm256_and_si256(spread, bit), bit);
}

RETORT_INLINE __m256i iq4_values(__m256i codes) {
  const __m128i table = _mm_loadu_si128(reinterpret_cast<const __m128i*>(kIq4Values));
  return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(table), codes);
}

struct SmallScales {
  F d;
};
struct SmallScalesMin {
  F d;
  F m;
};

template <typename BlockType>
struct SmallBase {
  using Block = BlockType;
  static constexpr int kElements = kSmallBlock;
  static constexpr int kParts = 1;
  static constexpr bool kWholeBlocks = true;
};

/// Without a minimum: x = d * q.
template <typename BlockType>
struct Small : SmallBase<BlockType> {
  using Scales = SmallScales;
  RETORT_INLINE static Scales prepare(const BlockType& b) { return {vset_f16(b.d)}; }
};

/// With one: x = d * q + m.
template <typename BlockType>
struct SmallMin : SmallBase<BlockType> {
  using Scales = SmallScalesMin;
  RETORT_INLINE static Scales prepare(const BlockType& b) { return {vset_f16(b.d), vset_f16(b.m)}; }
};

struct Q4_0 : Small<BlockQ4_0> {
  template <typename Sink>
  RETORT_INLINE static void part(const Block& b, const Scales& s, int, Sink& sink) {
    emit(_mm256_sub_epi8(nibbles(b.qs), _mm256_set1_epi8(8)), s.d, s.d, sink);
  }
};

struct Q4_1 : SmallMin<BlockQ4_1> {
  template <typename Sink>
  RETORT_INLINE static void part(const Block& b, const Scales& s, int, Sink& sink) {
    emit(nibbles(b.qs), s.d, s.d, s.m, s.m, sink);
  }
};

struct Q5_0 : Small<BlockQ5_0> {
  template <typename Sink>
  RETORT_INLINE static void part(const Block& b, const Scales& s, int, Sink& sink) {
    // The nibble minus 16 is the nibble with its upper half filled with ones.
    const __m256i minus16 = _mm256_andnot_si256(bits_to_bytes(b.qh), _mm256_set1_epi8(static_cast<char>(0xf0)));
    emit(_mm256_or_si256(nibbles(b.qs), minus16), s.d, s.d, sink);
  }
};

struct Q5_1 : SmallMin<BlockQ5_1> {
  template <typename Sink>
  RETORT_INLINE static void part(const Block& b, const Scales& s, int, Sink& sink) {
    const __m256i plus16 = _mm256_and_si256(bits_to_bytes(b.qh), _mm256_set1_epi8(16));
    emit(_mm256_or_si256(nibbles(b.qs), plus16), s.d, s.d, s.m, s.m, sink);
  }
};

struct Q8_0 : Small<BlockQ8_0> {
  template <typename Sink>
  RETORT_INLINE static void part(const Block& b, const Scales& s, int, Sink& sink) {
    RETORT_UNROLL for (int i = 0; i < kElements; i += kLanes) sink(i, vmul(s.d, vload_i8(b.qs + i)));
  }
};

struct IQ4_NL : Small<BlockIQ4_NL> {
  template <typename Sink>
  RETORT_INLINE static void part(const Block& b, const Scales& s, int, Sink& sink) {
    emit(iq4_values(nibbles(b.qs)), s.d, s.d, sink);
  }
};

}  // namespace
}  // namespace retort
