// The table of kernels: plain function pointers, one table per instruction set.
//
// Kernels check nothing: shapes are checked once, at the entry of the layer that calls them (nn/). Pointers need no
// alignment beyond that of their element type. All run on the calling thread; nn/ splits the work by rows.
//
// Exactness. ref/ is the plain twin: fp32, in the order written. A SIMD kernel may sum in another order, but in one
// that depends on nothing except the length of the sum: not on the number of tokens beside it, not on the number of
// threads, not on alignment. So within one ISA a token's bits are the same whatever shares its batch.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/dtype.h"
#include "kernels/kv_block.h"
#include "kernels/packed.h"
#include "kernels/tiles.h"
#include "kernels/wide.h"

namespace retort {

/// kRefAmx is the plain twin of kAmx: what prompts and generated tokens compute there, one number at a time.
enum class Isa { kRef, kAvx2, kAvx512, kAmx, kRefAmx };

/// out[0..n) = row `row` as fp32; n is a whole number of blocks. Exact: the same bits on every ISA.
using DequantizeFn = void (*)(const void* row, float* out, std::int64_t n);

/// y[t * y_stride + r] = sum_k x[t * x_stride + k] * W[r, k], for t in [0, tokens), r in [0, rows), k in [0, columns).
/// `w` is W's first row; rows follow one another at row_bytes(dtype, columns). fp32 activations and sums: the weights
/// enter with exactly the values that DequantizeFn gives.
struct MatmulArgs {
  const void* w;   ///< [rows, columns] of the table entry's dtype
  const float* x;  ///< [tokens, columns], row stride x_stride elements
  float* y;        ///< [tokens, rows], row stride y_stride elements
  std::int64_t tokens;
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t x_stride;
  std::int64_t y_stride;
};
using MatmulFn = void (*)(const MatmulArgs& args);

struct KernelTable {
  Isa isa;
  const char* name;  ///< "ref", "avx2", "avx512", "amx", "ref-amx"

  DequantizeFn dequantize[kDTypeCount];  ///< null for a dtype that holds no weights (integers but I8, bool, F64)
  MatmulFn matmul[kDTypeCount];          ///< null likewise

  /// Integer products, see packed.h. The same bits on every ISA.
  QuantizeRowsFn quantize_rows;
  PackedMatmulFn packed_matmul[kPackedFormatCount];

  /// What generated tokens are multiplied with in place of packed_matmul: kAmx and kRefAmx, formats with is_wide(). Null
  /// elsewhere. See wide.h; the same bits on both.
  WideRowsFn wide_rows;
  WideMatmulFn wide_matmul[kPackedFormatCount];

  /// What prompts are computed with where that is not what generated tokens are: kAmx and kRefAmx. Null elsewhere. See
  /// tiles.h; the same bits on both.
  TileRowsFn tile_rows;
  TileMatmulFn tile_matmul[kPackedFormatCount];
  TileGatedFn tile_gated[kPackedFormatCount];  ///< null on kRefAmx too
  TileAttentionFn tile_attention;
  [[nodiscard]] bool has_prompt_recipe() const { return tile_rows != nullptr; }

  /// y[i] = x[i] * weight[i] / sqrt(mean(x^2) + eps). y may be x.
  void (*rms_norm)(const float* x, const float* weight, float* y, std::int64_t n, float eps);
  /// Rotates pairs (x[i], x[i + head_dim/2]), i < head_dim/2, by the angle whose cos and sin are given:
  /// Hugging Face's rotate_half ("NEOX") order. In place.
  void (*rope)(float* x, const float* cos, const float* sin, std::int64_t head_dim);
  /// gate[i] = gate[i] / (1 + exp(-gate[i])) * up[i]. In place in gate.
  void (*silu_mul)(float* gate, const float* up, std::int64_t n);
  /// y[i] += x[i]
  void (*add)(float* y, const float* x, std::int64_t n);
  /// y[i] += a * x[i]
  void (*axpy)(float* y, const float* x, float a, std::int64_t n);
  /// See kv_block.h. The same bits on every ISA.
  AttentionBlockFn attention_block;
  /// Largest element's index, the first of equals; NaN never wins. n >= 1.
  std::int64_t (*argmax)(const float* x, std::int64_t n);
  /// log(sum_i exp(x[i])), in double. NaN if any is NaN; -infinity if all are. n >= 1.
  double (*log_sum_exp)(const float* x, std::int64_t n);
};

}  // namespace retort
