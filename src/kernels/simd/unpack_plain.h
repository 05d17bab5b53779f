// Plain number formats, 32 elements at a time, for simd/matmul.h. Include after an ISA's vec.h.
#pragma once

#include "kernels/simd/compiler.h"

namespace retort {
namespace {

/// A format as simd/matmul.h wants it:
///   Block, kElements   what a row is made of
///   kParts             a block is unpacked in so many equal parts, so that several rows can take turns
///   Scales, prepare()  what a block's parts have in common, computed once
///   part()             hands the sink kLanes elements at a time, sink(offset within the part, vector)
///   kWholeBlocks       false: a row may end within a block
struct NoScales {};

template <int kBytes, F (*kLoad)(const void*)>
struct Plain {
  struct Block {
    char bytes[32 * kBytes];
  };
  using Scales = NoScales;
  static constexpr int kElements = 32;
  static constexpr int kParts = 1;
  static constexpr bool kWholeBlocks = false;
  static constexpr int kElementBytes = kBytes;

  RETORT_INLINE static Scales prepare(const Block&) { return {}; }
  template <typename Sink>
  RETORT_INLINE static void part(const Block& block, const Scales&, int, Sink& sink) {
    RETORT_UNROLL for (int i = 0; i < kElements; i += kLanes) sink(i, kLoad(block.bytes + i * kBytes));
  }
};

RETORT_INLINE F vload_f32(const void* p) { return vload(static_cast<const float*>(p)); }

using PlainF32 = Plain<4, vload_f32>;
using PlainF16 = Plain<2, vload_f16>;
using PlainBF16 = Plain<2, vload_bf16>;
using PlainF8E4M3 = Plain<1, vload_f8e4m3>;
using PlainI8 = Plain<1, vload_i8>;

}  // namespace
}  // namespace retort
