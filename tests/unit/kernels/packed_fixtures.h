// Packed weights for tests: random rows and the panels made of them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "fixtures.h"
#include "kernels/packed.h"

namespace retort::testing {

inline std::vector<PackedFormat> packed_formats() {
  std::vector<PackedFormat> out;
  for (std::size_t i = 0; i < kPackedFormatCount; ++i) out.push_back(static_cast<PackedFormat>(i));
  return out;
}

/// Memory at an address that kernels may ask for.
template <typename T>
class Aligned {
 public:
  explicit Aligned(std::size_t n) : bytes_(n * sizeof(T) + 64) {
    const auto address = reinterpret_cast<std::uintptr_t>(bytes_.data());
    data_ = reinterpret_cast<T*>(bytes_.data() + (64 - address % 64) % 64);
  }
  T* data() { return data_; }

 private:
  std::vector<char> bytes_;
  T* data_;
};

/// Rows and the panels made of them: of a source dtype, or of codes with scales and zeros.
struct PackedWeights {
  PackedWeights(std::mt19937& random, PackedFormat f, std::int64_t row_count, std::int64_t column_count)
      : format(f),
        rows(row_count),
        columns(column_count),
        panels((rows + kPanelRows - 1) / kPanelRows),
        bytes(panel_bytes(f, columns)),
        memory(static_cast<std::size_t>(panels * bytes)) {
    if (packed_info(format).source) {
      pack_blocks(random, *packed_info(format).source);
    } else {
      pack_codes(random);
    }
  }
  [[nodiscard]] std::vector<float> row(std::int64_t r) const {
    return {values.begin() + r * columns, values.begin() + (r + 1) * columns};
  }
  PackedFormat format;
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t panels;
  std::int64_t bytes;
  Aligned<char> memory;
  std::vector<float> values;  ///< [rows, columns] of what was packed

 private:
  void pack_blocks(std::mt19937& random, DType dtype) {
    const std::vector<char> source = random_weights(random, dtype, rows, columns);
    const auto stride = static_cast<std::int64_t>(*row_bytes(dtype, columns));
    for (std::int64_t p = 0; p < panels; ++p) {
      pack_panel(format, source.data() + p * kPanelRows * stride, stride, std::min(kPanelRows, rows - p * kPanelRows),
                 columns, memory.data() + p * bytes);
    }
    for (std::int64_t r = 0; r < rows; ++r) {
      const std::vector<float> row = ref_row(dtype, source.data() + r * stride, columns);
      values.insert(values.end(), row.begin(), row.end());
    }
  }

  // Scales of 24 bits, so that what is rounded shows; the smallest and largest codes and zeros meet in row 0.
  void pack_codes(std::mt19937& random) {
    const PackedInfo& info = packed_info(format);
    const int largest = (1 << info.bits) - 1;
    std::uniform_int_distribution<int> code(0, largest);
    std::uniform_real_distribution<float> scale(-0.1f, 0.1f);
    values.resize(rows * columns);
    for (std::int64_t first = 0; first < rows; first += kPanelRows) {
      for (std::int64_t i = 0; i < columns / info.record_columns; ++i) {
        const std::int64_t count = std::min(kPanelRows, rows - first);
        const std::int64_t stride = info.record_columns + 5;
        std::vector<std::uint8_t> codes(count * stride);
        std::vector<std::uint8_t> zeros(count);
        std::vector<float> scales(count);
        for (auto& q : codes) q = static_cast<std::uint8_t>(code(random));
        for (auto& z : zeros) z = static_cast<std::uint8_t>(code(random));
        for (float& s : scales) s = scale(random);
        zeros[0] = static_cast<std::uint8_t>(i % 2 == 0 ? 0 : largest);
        codes[0] = static_cast<std::uint8_t>(i % 2 == 0 ? largest : 0);
        pack_grouped_record(
            format,
            {.codes = codes.data(), .stride = stride, .scales = scales.data(), .zeros = zeros.data(), .rows = count},
            memory.data() + first / kPanelRows * bytes + i * info.record_bytes);
        for (std::int64_t r = 0; r < count; ++r) {
          for (std::int64_t c = 0; c < info.record_columns; ++c) {
            values[(first + r) * columns + i * info.record_columns + c] =
                scales[r] * static_cast<float>(codes[r * stride + c] - zeros[r]);
          }
        }
      }
    }
  }
};

}  // namespace retort::testing
