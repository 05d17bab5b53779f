// Products of K-quants and activations of 12 bits, one row and one token at a time; kernels/wide.h defines them.
#include "kernels/wide.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "core/float_bits.h"
#include "kernels/ref/ref.h"

namespace retort::ref {
namespace {

constexpr float kLeastMagnitude = 0x1p-100f;
constexpr auto kMostCode = static_cast<float>(kWideMost);

void widen_record(const float* x, const WideTile& tile, std::int64_t record, std::int64_t t) {
  std::uint32_t largest = 0;  // magnitudes compare like their bits, NaN above infinity above all numbers
  for (int k = 0; k < kWideColumns; ++k) largest = std::max(largest, std::bit_cast<std::uint32_t>(x[k]) & 0x7fffffffu);
  const auto max = std::bit_cast<float>(largest);
  const bool zeros = !std::isfinite(max) || max < kLeastMagnitude;
  const float scale = !std::isfinite(max) ? std::numeric_limits<float>::quiet_NaN() : zeros ? 0.0f : max / kMostCode;
  const float inverse = zeros ? 0.0f : kMostCode / max;
  int sums[8] = {};
  for (int i = 0; i < kWideOffsets; ++i) tile.offset(record, i)[t] = 0;
  for (int k = 0; k < kWideColumns; ++k) {
    const int n = zeros ? 0 : static_cast<int>(std::nearbyint(x[k] * inverse));
    const int high = (n + 8) >> 4;
    const int low = n - 16 * high;
    const std::int64_t step = record * (kWideColumns / kWideStep) + k / kWideStep;
    tile.step(step, 0, t)[k % kWideStep] = static_cast<std::int8_t>(high);
    tile.step(step, 1, t)[k % kWideStep] = static_cast<std::int8_t>(low);
    tile.offset(record, k / 16)[t] -= 32 * n;
    sums[k / 32] += n;
  }
  tile.scale(record)[t] = scale;
  for (int i = 0; i < kWidePairs; ++i) {
    const int first = (sums[2 * i] + 1) >> 1;
    const int second = (sums[2 * i + 1] + 1) >> 1;
    tile.pair(record, i)[t] = static_cast<std::int32_t>((static_cast<std::uint32_t>(first) & 0xffffu) |
                                                        static_cast<std::uint32_t>(second) << 16);
  }
}

void wide_rows(const WideRowsArgs& a) {
  for (std::int64_t t = 0; t < a.out.tokens; ++t) {
    for (std::int64_t r = a.first_record; r < a.last_record; ++r) {
      widen_record(a.x + t * a.x_stride + r * kWideColumns, wide_tile(a.out, t / kWideTokens), r, t % kWideTokens);
    }
  }
}

// One record of a row times one token, added to acc.
template <PackedFormat kFormat>
float add_record(const std::uint8_t* record, int row, const WideTile& tile, std::int64_t r, std::int64_t t, float acc) {
  const PackedInfo& info = packed_info(kFormat);
  constexpr bool kSigned = kFormat == PackedFormat::kP6K;
  const std::uint8_t* scales = record + (kSigned ? 32 : 64);
  const std::int64_t group_bytes = kFormat == PackedFormat::kP4K ? 256 : kFormat == PackedFormat::kP5K ? 320 : 384;
  const std::uint8_t* groups = record + (kSigned ? 288 : 320);
  constexpr int kept = kFormat == PackedFormat::kP4K ? ~3 : kFormat == PackedFormat::kP5K ? ~7 : ~0;
  std::int64_t sum = 0;
  for (int k = 0; k < kWideColumns; ++k) {
    const int g = k / 32;
    const std::uint8_t* at = scales + 32 * g + row;
    const int s = kSigned ? static_cast<std::int8_t>(at[k % 32 / 16 * 16]) : at[0];
    const int q = packed_code(info, groups + g * group_bytes, row, k % 32) - (kSigned ? 32 : 0);
    const std::int64_t step = r * (kWideColumns / kWideStep) + k / kWideStep;
    sum += q * (s * 16 * tile.step(step, 0, t)[k % kWideStep] + (s & kept) * tile.step(step, 1, t)[k % kWideStep]);
  }
  const float d = f16_to_float(load<std::uint16_t>(record, row));
  float product = static_cast<float>(sum) * d;
  if (!kSigned) {
    const float dmin = f16_to_float(load<std::uint16_t>(record + 32, row));
    std::int64_t minima = 0;
    for (int g = 0; g < 8; ++g) {
      const auto pair = static_cast<std::uint32_t>(tile.pair(r, g / 2)[t]);
      const auto half = static_cast<std::int16_t>(g % 2 == 0 ? pair & 0xffffu : pair >> 16);
      minima += scales[32 * g + 16 + row] * half;
    }
    product = std::fma(static_cast<float>(minima), -2.0f * dmin, product);
  }
  return std::fma(product, tile.scale(r)[t], acc);
}

template <PackedFormat kFormat>
void wide_matmul(const WideMatmulArgs& a) {
  const std::int64_t bytes = panel_bytes(kFormat, a.x.columns);
  for (std::int64_t p = 0; p < a.panel_count; ++p) {
    const auto* panel = static_cast<const std::uint8_t*>(a.panels) + p * bytes;
    const std::int64_t rows = p + 1 == a.panel_count ? a.last_rows : kPanelRows;
    for (std::int64_t t = 0; t < a.x.tokens; ++t) {
      const WideTile tile = wide_tile(a.x, t / kWideTokens);
      for (int r = 0; r < rows; ++r) {
        float acc = 0;
        for (std::int64_t i = 0; i < a.x.columns / kWideColumns; ++i) {
          acc = add_record<kFormat>(panel + i * packed_info(kFormat).record_bytes, r, tile, i, t % kWideTokens, acc);
        }
        a.y[t * a.y_stride + p * kPanelRows + r] = acc;
      }
    }
  }
}

}  // namespace

void fill_wide(KernelTable& table) {
  table.wide_rows = wide_rows;
  table.wide_matmul[static_cast<int>(PackedFormat::kP4K)] = wide_matmul<PackedFormat::kP4K>;
  table.wide_matmul[static_cast<int>(PackedFormat::kP5K)] = wide_matmul<PackedFormat::kP5K>;
  table.wide_matmul[static_cast<int>(PackedFormat::kP6K)] = wide_matmul<PackedFormat::kP6K>;
}

}  // namespace retort::ref
