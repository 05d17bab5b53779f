#include "nn/packing.h"

#include <algorithm>

#include "core/parallel.h"
#include "io/packed_header.h"

namespace retort {
std::optional<PackedFormat> packed_format_of(const Linear& linear) {
  return packed_format_for(linear.w.dtype, linear.columns());
}

std::uint64_t packed_bytes(const Linear& linear, PackedFormat format) {
  return static_cast<std::uint64_t>(linear.panels() * panel_bytes(format, linear.columns()));
}

void pack_linear(const Linear& linear, PackedFormat format, std::byte* out) {
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
    pack_linear(*linear, *format, next);
    linear->packed = PackedWeight{*format, next};
    checkpoint.give_back(linear->w);
    next += packed_tensor_end(packed_bytes(*linear, *format));
  }
  return pages;
}

}  // namespace retort
