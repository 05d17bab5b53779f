// Integer products of packed weights, one row and one token at a time; kernels/packed.h defines them.
#include "kernels/packed.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "core/float_bits.h"
#include "kernels/ref/ref.h"

namespace retort::ref {
namespace {

constexpr float kLeast = 0x1p-100f;  // below it a group counts as zeros: 127 / max would come near infinity

ActivationGroup quantize_group(const float* x, std::int8_t* codes) {
  std::uint32_t largest = 0;  // magnitudes compare like their bits, NaN above infinity above all numbers
  for (int i = 0; i < kGroupColumns; ++i) largest = std::max(largest, std::bit_cast<std::uint32_t>(x[i]) & 0x7fffffffu);
  const auto max = std::bit_cast<float>(largest);
  ActivationGroup group{};
  std::fill_n(codes, kGroupColumns, std::int8_t{0});
  if (!std::isfinite(max)) {
    group.scale = group.sum = std::numeric_limits<float>::quiet_NaN();
    return group;
  }
  if (max < kLeast) return group;
  const float inverse = 127.0f / max;
  group.scale = max / 127.0f;
  for (int i = 0; i < kGroupColumns; ++i) {
    const float rounded = std::nearbyint(x[i] * inverse);
    codes[i] = static_cast<std::int8_t>(rounded);
    group.isum += codes[i];
    group.minus[i / 8] = static_cast<std::int16_t>(group.minus[i / 8] - 32 * codes[i]);
  }
  group.sum = group.scale * static_cast<float>(group.isum);
  return group;
}

void quantize_rows(const QuantizeArgs& a) {
  const QuantizedRows& out = a.out;
  const std::int64_t groups = out.columns / kGroupColumns;
  for (std::int64_t t = 0; t < out.tokens; ++t) {
    const std::int64_t first = t / kTokenTile * kTokenTile;
    const std::int64_t n = std::min(kTokenTile, out.tokens - first);
    for (std::int64_t g = a.first_group; g < a.last_group; ++g) {
      const std::int64_t at = first * groups + g * n + (t - first);
      out.side[at] = quantize_group(a.x + t * a.x_stride + g * kGroupColumns, out.codes + at * kGroupColumns);
    }
  }
}

// One row of one panel, group by group.
class PackedRow {
 public:
  PackedRow(PackedFormat format, const std::uint8_t* panel, std::int64_t row, std::int64_t columns)
      : info_(packed_info(format)), panel_(panel), row_(static_cast<int>(row)), columns_(columns) {}

  float times(const QuantizedRows& x, std::int64_t token) const {
    const std::int64_t groups = columns_ / kGroupColumns;
    const std::int64_t first = token / kTokenTile * kTokenTile;
    const std::int64_t n = std::min(kTokenTile, x.tokens - first);
    float acc = 0;
    for (std::int64_t g = 0; g < groups; ++g) {
      const std::int64_t at = first * groups + g * n + (token - first);
      acc = add_group(g, x.codes + at * kGroupColumns, x.side[at], acc);
    }
    return acc;
  }

 private:
  [[nodiscard]] int sum(const std::uint8_t* group, const std::int8_t* x, int first, int last, int offset) const {
    int total = 0;
    for (int k = first; k < last; ++k) total += (packed_code(info_, group, row_, k) - offset) * x[k];
    return total;
  }

  [[nodiscard]] float add_group(std::int64_t g, const std::int8_t* x, const ActivationGroup& side, float acc) const {
    const std::uint8_t* record = panel_ + g * kGroupColumns / info_.record_columns * info_.record_bytes;
    const std::int64_t in_record = g % (info_.record_columns / kGroupColumns);
    const float d = info_.source ? f16_to_float(load<std::uint16_t>(record, row_)) : load<float>(record, row_);
    const auto plus = [&](int i) { return std::fma(static_cast<float>(i), d * side.scale, acc); };
    switch (info_.format) {
      case PackedFormat::kP4K:
      case PackedFormat::kP5K: {
        const std::uint8_t* scales = record + 64 + 32 * in_record;
        const std::uint8_t* group = record + 320 + in_record * (info_.bits == 4 ? 256 : 320);
        const float dmin = f16_to_float(load<std::uint16_t>(record + 32, row_));
        acc = plus(scales[row_] * sum(group, x, 0, 32, 0));
        return std::fma(-(dmin * static_cast<float>(scales[16 + row_])), side.sum, acc);
      }
      case PackedFormat::kP6K: {
        const auto* scales = reinterpret_cast<const std::int8_t*>(record + 32 + 32 * in_record);
        const std::uint8_t* group = record + 288 + in_record * 384;
        return plus(scales[row_] * sum(group, x, 0, 16, 32) + scales[16 + row_] * sum(group, x, 16, 32, 32));
      }
      case PackedFormat::kP4:
        return plus(sum(record + 32, x, 0, 32, 8));
      case PackedFormat::kP5:
        return plus(sum(record + 32, x, 0, 32, 16));
      case PackedFormat::kP8:
        return plus(sum(record + 32, x, 0, 32, 0));
      case PackedFormat::kP4G32:
      case PackedFormat::kP4G128:
        return plus(sum(record + 80 + in_record * 256, x, 0, 32, record[64 + row_]));
      case PackedFormat::kP8G32:
      case PackedFormat::kP8G128:
        return plus(sum(record + 80 + in_record * 512, x, 0, 32, static_cast<std::int8_t>(record[64 + row_])));
    }
    return acc;
  }

  const PackedInfo& info_;
  const std::uint8_t* panel_;
  int row_;
  std::int64_t columns_;
};

template <PackedFormat kFormat>
void packed_matmul(const PackedMatmulArgs& a) {
  const std::int64_t bytes = panel_bytes(kFormat, a.x.columns);
  for (std::int64_t p = 0; p < a.panel_count; ++p) {
    const std::int64_t rows = p + 1 == a.panel_count ? a.last_rows : kPanelRows;
    for (std::int64_t r = 0; r < rows; ++r) {
      const PackedRow row(kFormat, static_cast<const std::uint8_t*>(a.panels) + p * bytes, r, a.x.columns);
      for (std::int64_t t = 0; t < a.x.tokens; ++t) a.y[t * a.y_stride + p * kPanelRows + r] = row.times(a.x, t);
    }
  }
}

}  // namespace

int packed_code(const PackedInfo& info, const std::uint8_t* group, int row, int k) {
  const std::uint8_t* lane = group + 4 * row + k % 4;
  const int v = k / 4;
  if (info.bits == 8) return static_cast<std::int8_t>(lane[64 * v]);
  int q = (lane[64 * (v / 2)] >> (4 * (v % 2))) & 15;
  if (info.bits == 5) q |= ((lane[256] >> v) & 1) << 4;
  if (info.bits == 6) q |= ((lane[256 + 64 * (v / 4)] >> (2 * (v % 4))) & 3) << 4;
  return q;
}

void fill_packed(KernelTable& table) {
  table.quantize_rows = quantize_rows;
  table.packed_matmul[static_cast<int>(PackedFormat::kP4K)] = packed_matmul<PackedFormat::kP4K>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP5K)] = packed_matmul<PackedFormat::kP5K>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP6K)] = packed_matmul<PackedFormat::kP6K>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP4)] = packed_matmul<PackedFormat::kP4>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP5)] = packed_matmul<PackedFormat::kP5>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP8)] = packed_matmul<PackedFormat::kP8>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP4G32)] = packed_matmul<PackedFormat::kP4G32>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP4G128)] = packed_matmul<PackedFormat::kP4G128>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP8G32)] = packed_matmul<PackedFormat::kP8G32>;
  table.packed_matmul[static_cast<int>(PackedFormat::kP8G128)] = packed_matmul<PackedFormat::kP8G128>;
}

}  // namespace retort::ref
