// GGUF types with 256 elements to a super-block; blocks.h draws them. The arithmetic's order is part of the format:
// (d * scale) first, then times the quant, then minus (dmin * min), each step rounded to fp32.
#include "core/float_bits.h"
#include "kernels/blocks.h"
#include "kernels/ref/ref.h"

namespace retort::ref {
namespace {

struct ScaleMin {
  int scale;
  int min;
};

/// Group j (0..7) of Q4_K and Q5_K.
ScaleMin scale_min(const std::uint8_t (&s)[12], int j) {
  if (j < 4) return {s[j] & 63, s[j + 4] & 63};
  return {(s[j + 4] & 15) | ((s[j - 4] >> 6) << 4), (s[j + 4] >> 4) | ((s[j] >> 6) << 4)};
}

/// Group i (0..15) of Q3_K.
int scale_q3_k(const std::uint8_t (&s)[12], int i) {
  const int low = (s[i % 8] >> (4 * (i / 8))) & 15;
  const int high = (s[8 + i % 4] >> (2 * (i / 4))) & 3;
  return (low | (high << 4)) - 32;
}

/// Calls decode(block, out) for each super-block of a row of n elements.
template <typename Block, typename Decode>
void for_each_block(const void* row, float* out, std::int64_t n, Decode decode) {
  for (std::int64_t i = 0; i < n / kSuperBlock; ++i) decode(load<Block>(row, i), out + i * kSuperBlock);
}

}  // namespace

void dequantize_q2_k(const void* row, float* out, std::int64_t n) {
  for_each_block<BlockQ2_K>(row, out, n, [](const BlockQ2_K& b, float* x) {
    const float d = f16_to_float(b.d);
    const float dmin = f16_to_float(b.dmin);
    for (int i = 0; i < kSuperBlock; ++i) {
      const int half = i / 128;
      const int shift = 2 * (i % 128 / 32);
      const int q = (b.qs[32 * half + i % 32] >> shift) & 3;
      const float scale = d * static_cast<float>(b.scales[i / 16] & 15);
      const float min = dmin * static_cast<float>(b.scales[i / 16] >> 4);
      x[i] = scale * static_cast<float>(q) - min;
    }
  });
}

void dequantize_q3_k(const void* row, float* out, std::int64_t n) {
  for_each_block<BlockQ3_K>(row, out, n, [](const BlockQ3_K& b, float* x) {
    const float d = f16_to_float(b.d);
    for (int i = 0; i < kSuperBlock; ++i) {
      const int half = i / 128;
      const int quarter = i % 128 / 32;
      const int low = (b.qs[32 * half + i % 32] >> (2 * quarter)) & 3;
      const int high = (b.hmask[i % 32] >> (4 * half + quarter)) & 1;
      const float scale = d * static_cast<float>(scale_q3_k(b.scales, i / 16));
      x[i] = scale * static_cast<float>(low - (high != 0 ? 0 : 4));
    }
  });
}

void dequantize_q4_k(const void* row, float* out, std::int64_t n) {
  for_each_block<BlockQ4_K>(row, out, n, [](const BlockQ4_K& b, float* x) {
    const float d = f16_to_float(b.d);
    const float dmin = f16_to_float(b.dmin);
    for (int j = 0; j < 8; ++j) {
      const ScaleMin s = scale_min(b.scales, j);
      const float scale = d * static_cast<float>(s.scale);
      const float min = dmin * static_cast<float>(s.min);
      for (int l = 0; l < 32; ++l) {
        const int q = (b.qs[32 * (j / 2) + l] >> (4 * (j % 2))) & 15;
        x[32 * j + l] = scale * static_cast<float>(q) - min;
      }
    }
  });
}

void dequantize_q5_k(const void* row, float* out, std::int64_t n) {
  for_each_block<BlockQ5_K>(row, out, n, [](const BlockQ5_K& b, float* x) {
    const float d = f16_to_float(b.d);
    const float dmin = f16_to_float(b.dmin);
    for (int j = 0; j < 8; ++j) {
      const ScaleMin s = scale_min(b.scales, j);
      const float scale = d * static_cast<float>(s.scale);
      const float min = dmin * static_cast<float>(s.min);
      for (int l = 0; l < 32; ++l) {
        const int low = (b.qs[32 * (j / 2) + l] >> (4 * (j % 2))) & 15;
        const int high = (b.qh[l] >> j) & 1;
        x[32 * j + l] = scale * static_cast<float>(low | (high << 4)) - min;
      }
    }
  });
}

void dequantize_q6_k(const void* row, float* out, std::int64_t n) {
  for_each_block<BlockQ6_K>(row, out, n, [](const BlockQ6_K& b, float* x) {
    const float d = f16_to_float(b.d);
    for (int i = 0; i < kSuperBlock; ++i) {
      const int half = i / 128;
      const int g = i % 128 / 32;
      const int l = i % 32;
      const int low = (b.ql[64 * half + 32 * (g % 2) + l] >> (4 * (g / 2))) & 15;
      const int high = (b.qh[32 * half + l] >> (2 * g)) & 3;
      const int sub_block = i / 16;
      const float scale = d * static_cast<float>(b.scales[sub_block]);
      x[i] = scale * static_cast<float>((low | (high << 4)) - 32);
    }
  });
}

void dequantize_iq4_xs(const void* row, float* out, std::int64_t n) {
  for_each_block<BlockIQ4_XS>(row, out, n, [](const BlockIQ4_XS& b, float* x) {
    const float d = f16_to_float(b.d);
    for (int j = 0; j < 8; ++j) {
      const int low = (b.scales_l[j / 2] >> (4 * (j % 2))) & 15;
      const int high = (b.scales_h >> (2 * j)) & 3;
      const float scale = d * static_cast<float>((low | (high << 4)) - 32);
      for (int l = 0; l < 16; ++l) {
        x[32 * j + l] = scale * static_cast<float>(kIq4Values[b.qs[16 * j + l] & 15]);
        x[32 * j + l + 16] = scale * static_cast<float>(kIq4Values[b.qs[16 * j + l] >> 4]);
      }
    }
  });
}

}  // namespace retort::ref
