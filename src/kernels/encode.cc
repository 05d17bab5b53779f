#include "kernels/encode.h"

#include <cstring>
#include <limits>

#include "core/float_bits.h"
#include "kernels/encode_families.h"

namespace retort {
namespace {

void encode_f32(const float* x, const float*, void* row, std::int64_t n) {
  std::memcpy(row, x, static_cast<std::size_t>(n) * sizeof(float));
}

template <std::uint16_t (*narrow)(float)>
void encode_16(const float* x, const float*, void* row, std::int64_t n) {
  auto* out = static_cast<std::byte*>(row);
  for (std::int64_t i = 0; i < n; ++i) {
    const std::uint16_t bits = narrow(x[i]);
    std::memcpy(out + i * 2, &bits, sizeof(bits));
  }
}

}  // namespace

EncodeFn encoder_of(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return encode_f32;
    case DType::kF16:
      return encode_16<float_to_f16>;
    case DType::kBF16:
      return encode_16<float_to_bf16>;
    case DType::kQ8_0:
      return encode_q8_0;
    case DType::kQ4_0:
      return encode_q4_0;
    case DType::kQ5_0:
      return encode_q5_0;
    case DType::kQ4_K:
      return encode_q4_k;
    case DType::kQ5_K:
      return encode_q5_k;
    case DType::kQ6_K:
      return encode_q6_k;
    default:
      return nullptr;
  }
}

float largest_encodable(DType dtype) {
  // Of the block types: small enough that neither a scale (at most the largest value) nor a sum of 256 squares, with
  // weights beside them, overflows. No network has such weights.
  if (dtype == DType::kF32) return std::numeric_limits<float>::max();
  if (dtype == DType::kBF16) return bf16_to_float(0x7f7f);
  return 65504.0f;
}

}  // namespace retort
