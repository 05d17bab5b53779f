// Weights times activations, and which function dequantizes which dtype.
//
// Order of the sum: kLanes partial sums, element k goes to partial k % kLanes, and the partials are added in order at
// the end. That is plain enough to read, and nearer to the exact sum than one long chain (the error of a chain grows
// with its length); compilers turn it into vector code without being allowed to reorder anything.
#include <algorithm>

#include "kernels/ref/ref.h"

namespace retort::ref {
namespace {

constexpr int kLanes = 8;
constexpr std::int64_t kChunk = 256;        // elements dequantized at a time: whole blocks of every dtype
constexpr std::int64_t kTokensAtOnce = 16;  // tokens that share a dequantized chunk

void add_products(const float* a, const float* b, std::int64_t n, float (&partial)[kLanes]) {
  std::int64_t k = 0;
  for (; k + kLanes <= n; k += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) partial[lane] += a[k + lane] * b[k + lane];
  }
  for (int lane = 0; k < n; ++k, ++lane) partial[lane] += a[k] * b[k];
}

float total(const float (&partial)[kLanes]) {
  float sum = 0;
  for (const float value : partial) sum += value;
  return sum;
}

template <DType dtype, DequantizeFn dequantize>
void matmul(const MatmulArgs& args) {
  const DTypeInfo& info = dtype_info(dtype);
  const auto bytes_of = [&info](std::int64_t elements) { return elements / info.block_elements * info.block_bytes; };
  for (std::int64_t r = 0; r < args.rows; ++r) {
    const char* row = static_cast<const char*>(args.w) + r * bytes_of(args.columns);
    for (std::int64_t t0 = 0; t0 < args.tokens; t0 += kTokensAtOnce) {
      const std::int64_t tokens = std::min(kTokensAtOnce, args.tokens - t0);
      float partial[kTokensAtOnce][kLanes] = {};
      for (std::int64_t k = 0; k < args.columns; k += kChunk) {
        const std::int64_t n = std::min(kChunk, args.columns - k);
        float w[kChunk];
        dequantize(row + bytes_of(k), w, n);
        for (std::int64_t t = 0; t < tokens; ++t) add_products(w, args.x + (t0 + t) * args.x_stride + k, n, partial[t]);
      }
      for (std::int64_t t = 0; t < tokens; ++t) args.y[(t0 + t) * args.y_stride + r] = total(partial[t]);
    }
  }
}

template <DType dtype, DequantizeFn dequantize>
void set(KernelTable& table) {
  table.dequantize[static_cast<int>(dtype)] = dequantize;
  table.matmul[static_cast<int>(dtype)] = matmul<dtype, dequantize>;
}

}  // namespace

float dot(const float* a, const float* b, std::int64_t n) {
  float partial[kLanes] = {};
  add_products(a, b, n, partial);
  return total(partial);
}

void fill_matmul(KernelTable& table) {
  set<DType::kF32, dequantize_f32>(table);
  set<DType::kF16, dequantize_f16>(table);
  set<DType::kBF16, dequantize_bf16>(table);
  set<DType::kF8E4M3, dequantize_f8e4m3>(table);
  set<DType::kI8, dequantize_i8>(table);
  set<DType::kQ4_0, dequantize_q4_0>(table);
  set<DType::kQ4_1, dequantize_q4_1>(table);
  set<DType::kQ5_0, dequantize_q5_0>(table);
  set<DType::kQ5_1, dequantize_q5_1>(table);
  set<DType::kQ8_0, dequantize_q8_0>(table);
  set<DType::kQ2_K, dequantize_q2_k>(table);
  set<DType::kQ3_K, dequantize_q3_k>(table);
  set<DType::kQ4_K, dequantize_q4_k>(table);
  set<DType::kQ5_K, dequantize_q5_k>(table);
  set<DType::kQ6_K, dequantize_q6_k>(table);
  set<DType::kIQ4_NL, dequantize_iq4_nl>(table);
  set<DType::kIQ4_XS, dequantize_iq4_xs>(table);
}

}  // namespace retort::ref
