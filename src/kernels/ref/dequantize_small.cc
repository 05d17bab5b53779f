// GGUF types with 32 elements to a block; blocks.h draws them. The arithmetic's order is part of the format: scale
// times quant in fp32, then the minimum.
#include "core/float_bits.h"
#include "kernels/blocks.h"
#include "kernels/ref/ref.h"

namespace retort::ref {
namespace {

int low(std::uint8_t byte) { return byte & 15; }
int high(std::uint8_t byte) { return byte >> 4; }

/// The fifth bit of element i, as 16 or 0.
int fifth(const std::uint8_t (&qh)[4], int i) { return ((qh[i / 8] >> (i % 8)) & 1) << 4; }

/// Calls decode(block, out) for each block of a row of n elements.
template <typename Block, typename Decode>
void for_each_block(const void* row, float* out, std::int64_t n, Decode decode) {
  for (std::int64_t i = 0; i < n / kSmallBlock; ++i) decode(load<Block>(row, i), out + i * kSmallBlock);
}

}  // namespace

void dequantize_q4_0(const void* row, float* out, std::int64_t n) {
  for_each_block<BlockQ4_0>(row, out, n, [](const BlockQ4_0& b, float* x) {
    const float d = f16_to_float(b.d);
    for (int l = 0; l < 16; ++l) {
      x[l] = d * static_cast<float>(low(b.qs[l]) - 8);
      x[l + 16] = d * static_cast<float>(high(b.qs[l]) - 8);
    }
  });
}

void dequantize_q4_1(const void* row, float* out, std::int64_t n) {
  for_each_block<BlockQ4_1>(row, out, n, [](const BlockQ4_1& b, float* x) {
    const float d = f16_to_float(b.d);
    const float m = f16_to_float(b.m);
    for (int l = 0; l < 16; ++l) {
      x[l] = d * static_cast<float>(low(b.qs[l])) + m;
      x[l + 16] = d * static_cast<float>(high(b.qs[l])) + m;
    }
  });
}

void dequantize_q5_0(const void* row, float* out, std::int64_t n) {
  for_each_block<BlockQ5_0>(row, out, n, [](const BlockQ5_0& b, float* x) {
    const float d = f16_to_float(b.d);
    for (int l = 0; l < 16; ++l) {
      x[l] = d * static_cast<float>((low(b.qs[l]) | fifth(b.qh, l)) - 16);
      x[l + 16] = d * static_cast<float>((high(b.qs[l]) | fifth(b.qh, l + 16)) - 16);
    }
  });
}

void dequantize_q5_1(const void* row, float* out, std::int64_t n) {
  for_each_block<BlockQ5_1>(row, out, n, [](const BlockQ5_1& b, float* x) {
    const float d = f16_to_float(b.d);
    const float m = f16_to_float(b.m);
    for (int l = 0; l < 16; ++l) {
      x[l] = d * static_cast<float>(low(b.qs[l]) | fifth(b.qh, l)) + m;
      x[l + 16] = d * static_cast<float>(high(b.qs[l]) | fifth(b.qh, l + 16)) + m;
    }
  });
}

void dequantize_q8_0(const void* row, float* out, std::int64_t n) {
  for_each_block<BlockQ8_0>(row, out, n, [](const BlockQ8_0& b, float* x) {
    const float d = f16_to_float(b.d);
    for (int l = 0; l < 32; ++l) x[l] = d * static_cast<float>(b.qs[l]);
  });
}

void dequantize_iq4_nl(const void* row, float* out, std::int64_t n) {
  for_each_block<BlockIQ4_NL>(row, out, n, [](const BlockIQ4_NL& b, float* x) {
    const float d = f16_to_float(b.d);
    for (int l = 0; l < 16; ++l) {
      x[l] = d * static_cast<float>(kIq4Values[low(b.qs[l])]);
      x[l + 16] = d * static_cast<float>(kIq4Values[high(b.qs[l])]);
    }
  });
}

}  // namespace retort::ref
