// Products of K-quants and activations of 15 bits, one row and one token at a time; kernels/wide.h defines them.
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
constexpr float kMostCode = 127.0f * 128.0f;

void widen_record(const float* x, const WideTile& tile, std::int64_t record, std::int64_t t) {
  std::uint32_t largest = 0;  // magnitudes compare like their bits, NaN above infinity above all numbers
  for (int k = 0; k < kWideColumns; ++k) largest = std::max(largest, std::bit_cast<std::uint32_t>(x[k]) & 0x7fffffffu);
  const auto max = std::bit_cast<float>(largest);
  const bool zeros = !std::isfinite(max) || max < kLeastMagnitude;
  const float scale = !std::isfinite(max) ? std::numeric_limits<float>::quiet_NaN() : zeros ? 0.0f : max / kMostCode;
  const float inverse = zeros ? 0.0f : kMostCode / max;
  int sums[8] = {};
  for (int i = 0; i < 16; ++i) tile.offset(record, 0, i)[t] = tile.offset(record, 1, i)[t] = 0;
  for (int k = 0; k < kWideColumns; ++k) {
    const int n = zeros ? 0 : static_cast<int>(std::nearbyint(x[k] * inverse));
    const int high = (n + 64) >> 7;
    const int low = n - 128 * high;
    const std::int64_t step = record * (kWideColumns / kWideStep) + k / kWideStep;
    tile.step(step, 0, t)[k % kWideStep] = static_cast<std::int8_t>(high);
    tile.step(step, 1, t)[k % kWideStep] = static_cast<std::int8_t>(low);
    tile.offset(record, 0, k / 16)[t] -= 32 * high;
    tile.offset(record, 1, k / 16)[t] -= 32 * low;
    sums[k / 32] += n;
  }
  tile.scale(record, 0)[t] = scale;
  for (int g = 0; g < 8; ++g) tile.scale(record, 1 + g)[t] = scale * static_cast<float>(sums[g]);
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
  std::int32_t sums[2] = {0, 0};
  for (int k = 0; k < kWideColumns; ++k) {
    const int g = k / 32;
    const std::uint8_t* at = scales + 32 * g + row;
    const int s = kSigned ? static_cast<std::int8_t>(at[k % 32 / 16 * 16]) : at[0];
    const int q = packed_code(info, groups + g * group_bytes, row, k % 32) - (kSigned ? 32 : 0);
    const std::int64_t step = r * (kWideColumns / kWideStep) + k / kWideStep;
    for (int plane = 0; plane < 2; ++plane) sums[plane] += s * q * tile.step(step, plane, t)[k % kWideStep];
  }
  const float d = f16_to_float(load<std::uint16_t>(record, row));
  const float sum = std::fma(static_cast<float>(sums[0]), 128.0f, static_cast<float>(sums[1]));
  acc = std::fma(sum, d * tile.scale(r, 0)[t], acc);
  if (kSigned) return acc;
  const float dmin = f16_to_float(load<std::uint16_t>(record + 32, row));
  for (int g = 0; g < 8; ++g) {
    acc = std::fma(-(dmin * static_cast<float>(scales[32 * g + 16 + row])), tile.scale(r, 1 + g)[t], acc);
  }
  return acc;
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
