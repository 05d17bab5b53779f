// The plain twins of all kernels. Clear first; every other instruction set is tested against them, for ever.
#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/kernels.h"

namespace retort::ref {

/// Element `i` of an array that may stand at any address.
template <typename T>
T load(const void* array, std::int64_t i) {
  T value;
  std::memcpy(&value, static_cast<const char*>(array) + i * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
  return value;
}

// DequantizeFn of each dtype.
void dequantize_f32(const void* row, float* out, std::int64_t n);
void dequantize_f16(const void* row, float* out, std::int64_t n);
void dequantize_bf16(const void* row, float* out, std::int64_t n);
void dequantize_f8e4m3(const void* row, float* out, std::int64_t n);
void dequantize_i8(const void* row, float* out, std::int64_t n);
void dequantize_q4_0(const void* row, float* out, std::int64_t n);
void dequantize_q4_1(const void* row, float* out, std::int64_t n);
void dequantize_q5_0(const void* row, float* out, std::int64_t n);
void dequantize_q5_1(const void* row, float* out, std::int64_t n);
void dequantize_q8_0(const void* row, float* out, std::int64_t n);
void dequantize_iq4_nl(const void* row, float* out, std::int64_t n);
void dequantize_q2_k(const void* row, float* out, std::int64_t n);
void dequantize_q3_k(const void* row, float* out, std::int64_t n);
void dequantize_q4_k(const void* row, float* out, std::int64_t n);
void dequantize_q5_k(const void* row, float* out, std::int64_t n);
void dequantize_q6_k(const void* row, float* out, std::int64_t n);
void dequantize_iq4_xs(const void* row, float* out, std::int64_t n);

/// The code of row 0 to 15 and column 0 to 31 of a panel's group, as packed.h lays it out: without offset, signed where
/// it has 8 bits.
int packed_code(const PackedInfo& info, const std::uint8_t* group, int row, int k);

/// sum_i a[i] * b[i]; see ref/matmul.cc for the order.
float dot(const float* a, const float* b, std::int64_t n);

void fill_matmul(KernelTable& table);  ///< dequantize and matmul of every dtype
void fill_packed(KernelTable& table);  ///< integer products
void fill_tiles(KernelTable& table);   ///< bf16 tiles
void fill_wide(KernelTable& table);    ///< activations of 12 bits
void fill_ops(KernelTable& table);     ///< everything that works on activations
void attention_block(const AttentionBlockArgs& args);
/// The polynomial of simd/math.h.
float exp_polynomial(float x);
/// Of a block's 64 weights: 16 partial sums, then halves.
float sum_of_block(const float* w);
/// q . offset of a block, in the order that kv_block.h gives.
float offset_score(const float* q, const float* offset, std::int64_t n);

}  // namespace retort::ref
