// A block of the KV cache, and attention over it.
//
// A block holds the keys and values of one layer for 64 positions. The kv heads lie one after another, each
//
//   [ K ][ V ]                          f32, bf16
//   [ K ][ V ][ scales K 64 f32 ][ scales V 64 f32 ][ offset of K ]   fp8, int8: v = scale * code, a scale per
//   position;
//                                                                    k = offset + scale * code, an offset per block
//
//   K   [dim / g][64][g]         the positions are the lanes of a score: no sum crosses lanes
//   V   [64 / g][padded dim][g]  the dimensions are the lanes of a weighted sum; padded to a multiple of 16
//
// where g elements make 32 bits: 1 of f32, pairs of bf16, fours of the 8-bit types, as instructions on pairs and fours
// want them. Where g does not divide a head's dimensions, zeros follow.
//
// The offset is a vector that most of the block's keys have in common; what is stored and rounded is the rest. Qwen's
// key biases are up to 350 in dimensions that turn so slowly that they are the same for a whole block, where keys
// otherwise are below 10: a scale that fits both leaves 8 bits nothing for the keys. Keys that are smaller without it,
// such as those of a text's first token, have a share of 0. The result is exact for any offset.
//
// fp8's codes are never subnormal, which makes widening them a shift: what is below 2^-6 of a row whose largest code is
// 448 becomes 0 or 2^-6, an error of 2^-7 at most, where the largest has one of 16.
//
// Attention is an online softmax, a block at a time (kernels are given the rows that share a block: the query heads of
// a group, and the tokens of a prompt's tile). Every step is in fp32 and rounded once, in this order:
//
//   s_p   = chain over d of fma(q_d, k_pd, s), from 0;  times scale. In the 8-bit types, of codes:
//           fma(s * scale, kscale_p, base * share_p) with base = scale * (q . offset): 16 partial sums over d mod 16,
//           each a chain of fma from 0, then halves added as below
//   max'  = max(max, all s_p);  shrink = exp(max - max')
//   w_p   = exp(s_p - max'), 0 where the row does not see p
//   sum   = fma(sum, shrink, sum of w): 16 partial sums over p mod 16, each from the lowest p, then halves added:
//           16 to 8 to 4 to 2 to 1
//   out_d = chain over p of fma(w_p (times V's scale), v_pd, out_d), from out_d * shrink
//
// exp is the polynomial of simd/math.h. So the bits are the same on every instruction set, whatever rows share a call.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/kv_cache_type.h"

namespace retort {

inline constexpr std::int64_t kKvBlockPositions = 64;

/// Where the parts of one kv head's share of a block stand, in bytes.
struct KvBlockLayout {
  KvCacheType type = KvCacheType::kF32;
  std::int64_t head_dim = 0;    ///< even
  std::int64_t padded_dim = 0;  ///< elements of V that a position has
  std::int64_t v = 0;
  std::int64_t k_scales = 0;  ///< 8-bit types only
  std::int64_t v_scales = 0;
  std::int64_t k_shares = 0;    ///< [64] f32; 8-bit types only
  std::int64_t k_offset = 0;    ///< [padded_dim] f32; 8-bit types only
  std::int64_t head_bytes = 0;  ///< of one kv head, a multiple of 64
};
KvBlockLayout kv_block_layout(KvCacheType type, std::int64_t head_dim);

/// Gives a block its offset [head_dim], before any of its positions is stored. For the 8-bit types; others have none.
void store_kv_offset(const KvBlockLayout& layout, std::byte* head, const float* offset);
/// Stores one position of one head, rounding to nearest even; 8-bit types scale by the largest magnitude. `head`: the
/// head's share of the block. What is not finite stays so in f32 and bf16 and makes the scale NaN in the 8-bit types.
void store_kv(const KvBlockLayout& layout, std::byte* head, std::int64_t position, const float* k, const float* v);
/// What is stored of one position: the values, and in the 8-bit types the codes without scale and offset.
void load_kv_codes(const KvBlockLayout& layout, const std::byte* head, std::int64_t position, float* k, float* v);
/// The values that attention reads: codes times scales, and the offset added.
void load_kv(const KvBlockLayout& layout, const std::byte* head, std::int64_t position, float* k, float* v);

/// One query: a head of a token.
struct AttentionRow {
  const float* q;      ///< [head_dim]
  float* out;          ///< [padded_dim]: sum of w * v so far
  float max;           ///< start: -infinity
  float sum;           ///< start: 0
  std::int32_t first;  ///< sees positions [first, last) of this block; first < last <= 64
  std::int32_t last;
};

struct AttentionBlockArgs {
  const KvBlockLayout* layout;
  const std::byte* head;  ///< this head's share of the block
  const std::byte* next;  ///< the same of the block that comes next, or null: fetched meanwhile
  AttentionRow* rows;
  std::int64_t row_count;
  float scale;  ///< 1 / sqrt(head_dim)
};
using AttentionBlockFn = void (*)(const AttentionBlockArgs& args);

/// Adds what was summed over later positions to what was summed over earlier ones. `out` [n] each.
struct AttentionSum {
  float* out;
  float max;
  float sum;
};
void merge_attention(AttentionSum& into, const AttentionSum& later, std::int64_t n);

}  // namespace retort
