// Plain number formats to fp32: exact, every one of them fits.
#include "core/float_bits.h"
#include "kernels/ref/ref.h"

namespace retort::ref {

void dequantize_f32(const void* row, float* out, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = load<float>(row, i);  // no memcpy: row is null where n is 0
}

void dequantize_f16(const void* row, float* out, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = f16_to_float(load<std::uint16_t>(row, i));
}

void dequantize_bf16(const void* row, float* out, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = bf16_to_float(load<std::uint16_t>(row, i));
}

void dequantize_f8e4m3(const void* row, float* out, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = f8e4m3_to_float(load<std::uint8_t>(row, i));
}

void dequantize_i8(const void* row, float* out, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = static_cast<float>(load<std::int8_t>(row, i));
}

}  // namespace retort::ref
