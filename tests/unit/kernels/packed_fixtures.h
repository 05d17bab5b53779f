// Packed weights for tests: random rows of a source dtype and the panels made of them.
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

/// `rows` rows of a source dtype and the panels made of them.
struct PackedWeights {
  PackedWeights(std::mt19937& random, PackedFormat f, std::int64_t row_count, std::int64_t column_count)
      : format(f),
        rows(row_count),
        columns(column_count),
        source(random_weights(random, packed_info(f).source, rows, columns)),
        row_bytes(static_cast<std::int64_t>(*retort::row_bytes(packed_info(f).source, columns))),
        panels((rows + kPanelRows - 1) / kPanelRows),
        bytes(panel_bytes(f, columns)),
        memory(static_cast<std::size_t>(panels * bytes)) {
    for (std::int64_t p = 0; p < panels; ++p) {
      pack_panel(format, source.data() + p * kPanelRows * row_bytes, row_bytes,
                 std::min(kPanelRows, rows - p * kPanelRows), columns, memory.data() + p * bytes);
    }
  }
  PackedFormat format;
  std::int64_t rows;
  std::int64_t columns;
  std::vector<char> source;
  std::int64_t row_bytes;
  std::int64_t panels;
  std::int64_t bytes;
  Aligned<char> memory;
};

}  // namespace retort::testing
