#include "nn/packing.h"

#include <algorithm>
#include <cstring>

#include "core/parallel.h"

namespace retort {
namespace {

constexpr std::size_t kAlignment = 64;

std::int64_t panels_of(const Linear& linear) { return (linear.rows() + kPanelRows - 1) / kPanelRows; }

std::size_t packed_bytes(const Linear& linear, PackedFormat format) {
  const auto bytes = static_cast<std::size_t>(panels_of(linear) * panel_bytes(format, linear.columns()));
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

void pack(const Linear& linear, PackedFormat format, std::byte* out) {
  const auto stride =
      static_cast<std::int64_t>(*row_bytes(linear.w.dtype, static_cast<std::uint64_t>(linear.columns())));
  const std::int64_t bytes = panel_bytes(format, linear.columns());
  parallel_for(panels_of(linear), 1, [&](WorkRange range) {
    for (std::int64_t p = range.begin; p < range.end; ++p) {
      const std::int64_t first = p * kPanelRows;
      pack_panel(format, linear.w.data + first * stride, stride, std::min(kPanelRows, linear.rows() - first),
                 linear.columns(), out + p * bytes);
    }
  });
}

}  // namespace

Expected<Pages> pack_linears(std::span<Linear* const> linears) {
  std::size_t total = 0;
  for (const Linear* linear : linears) {
    if (const auto format = packed_format_for(linear->w.dtype, linear->columns()))
      total += packed_bytes(*linear, *format);
  }
  RETORT_TRY(Pages pages, Pages::allocate(total));
  std::byte* next = pages.data();
  for (Linear* linear : linears) {
    const auto format = packed_format_for(linear->w.dtype, linear->columns());
    if (!format) continue;
    pack(*linear, *format, next);
    linear->packed = PackedWeight{*format, next};
    next += packed_bytes(*linear, *format);
  }
  return pages;
}

}  // namespace retort
