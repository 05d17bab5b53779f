#include "nn/packing.h"

#include <algorithm>
#include <array>

#include "core/parallel.h"
#include "io/packed_header.h"

namespace retort {
namespace {

void pack_rows_of_file(const Linear& linear, PackedFormat format, std::byte* out) {
  const auto stride =
      static_cast<std::int64_t>(*row_bytes(linear.w.dtype, static_cast<std::uint64_t>(linear.columns())));
  const std::int64_t bytes = panel_bytes(format, linear.columns());
  parallel_for(linear.panels(), 1, [&](WorkRange range) {
    for (std::int64_t p = range.begin; p < range.end; ++p) {
      const std::int64_t first = p * kPanelRows;
      pack_panel(format, linear.w.data + first * stride, stride, std::min(kPanelRows, linear.rows() - first),
                 linear.columns(), out + p * bytes);
    }
  });
}

// Unpacked at a time: 128 rows of AWQ are one cache line of words, and 128 x 128 codes fit L1.
constexpr std::int64_t kPackRows = 128;
constexpr std::int64_t kPackColumns = 128;

// Rows [first_row, first_row + rows) of a record, whose codes are at `codes`.
void pack_record(const GroupedWeight& w, PackedFormat format, const GroupedWeight::Tile& codes, std::byte* out) {
  std::array<float, kPanelRows> scales;
  std::array<std::uint8_t, kPanelRows> zeros;
  const std::int64_t g = w.group(codes.first_column);
  for (std::int64_t r = 0; r < codes.rows; ++r) {
    scales[static_cast<std::size_t>(r)] = w.scale(codes.first_row + r, g);
    zeros[static_cast<std::size_t>(r)] = static_cast<std::uint8_t>(w.zero(codes.first_row + r, g));
  }
  pack_grouped_record(
      format,
      {.codes = codes.q, .stride = codes.stride, .scales = scales.data(), .zeros = zeros.data(), .rows = codes.rows},
      out);
}

void pack_groups(const GroupedWeight& w, PackedFormat format, std::byte* out) {
  const std::int64_t bytes = panel_bytes(format, w.columns);
  const PackedInfo& info = packed_info(format);
  const std::int64_t across = (w.columns + kPackColumns - 1) / kPackColumns;
  parallel_for((w.rows + kPackRows - 1) / kPackRows * across, 4, [&](WorkRange range) {
    std::array<std::uint8_t, kPackRows * kPackColumns> q;
    for (std::int64_t i = range.begin; i < range.end; ++i) {
      const std::int64_t first_row = i / across * kPackRows;
      const std::int64_t rows = std::min(kPackRows, w.rows - first_row);
      const std::int64_t first_column = i % across * kPackColumns;
      const std::int64_t columns = std::min(kPackColumns, w.columns - first_column);
      w.codes({first_row, rows, first_column, columns, q.data(), kPackColumns});
      for (std::int64_t r = 0; r < rows; r += kPanelRows) {
        for (std::int64_t c = 0; c < columns; c += info.record_columns) {
          pack_record(w, format,
                      {first_row + r, std::min(kPanelRows, rows - r), first_column + c, info.record_columns,
                       q.data() + r * kPackColumns + c, kPackColumns},
                      out + (first_row + r) / kPanelRows * bytes +
                          (first_column + c) / info.record_columns * info.record_bytes);
        }
      }
    }
  });
}

}  // namespace

std::optional<PackedFormat> packed_format_of(const Linear& linear) {
  if (!linear.grouped) return packed_format_for(linear.w.dtype, linear.columns());
  const GroupedWeight& w = *linear.grouped;
  if (!w.group_of_column.empty()) return std::nullopt;
  return packed_format_for_groups(w.bits, w.group_size, w.columns);
}

std::uint64_t packed_bytes(const Linear& linear, PackedFormat format) {
  return static_cast<std::uint64_t>(linear.panels() * panel_bytes(format, linear.columns()));
}

std::uint64_t source_bytes(const Linear& linear) { return linear.grouped ? linear.grouped->bytes() : linear.w.bytes; }

void pack_linear(const Linear& linear, PackedFormat format, const Checkpoint& checkpoint, std::byte* out) {
  if (!linear.grouped) {
    pack_rows_of_file(linear, format, out);
    return checkpoint.give_back(linear.w);
  }
  pack_groups(*linear.grouped, format, out);
  for (const TensorView* view : {&linear.grouped->packed, &linear.grouped->scales, &linear.grouped->zeros}) {
    if (view->data != nullptr) checkpoint.give_back(*view);
  }
}

Expected<Pages> pack_linears(std::span<const NamedLinear> linears, const Checkpoint& checkpoint) {
  std::uint64_t total = 0;
  for (const auto& [name, linear] : linears) {
    if (const auto format = packed_format_of(*linear)) total += packed_tensor_end(packed_bytes(*linear, *format));
  }
  RETORT_TRY(Pages pages, Pages::allocate(static_cast<std::size_t>(total)));
  std::byte* next = pages.data();
  for (const auto& [name, linear] : linears) {
    const auto format = packed_format_of(*linear);
    if (!format) continue;
    pack_linear(*linear, *format, checkpoint, next);
    linear->packed = PackedWeight{*format, next};
    next += packed_tensor_end(packed_bytes(*linear, *format));
  }
  return pages;
}

}  // namespace retort
