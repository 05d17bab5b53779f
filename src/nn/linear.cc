#include "nn/linear.h"

#include <algorithm>

#include "core/parallel.h"

namespace retort {
namespace {

void multiply(const KernelTable& kernels, const LinearOutput& output, const float* x_TC, const QuantizedRows& quantized,
              std::int64_t tokens, WorkRange panels) {
  const Linear& linear = output.linear;
  const std::int64_t rows = linear.rows();
  const std::int64_t columns = linear.columns();
  const std::int64_t first = panels.begin * kPanelRows;
  const std::int64_t end = std::min(panels.end * kPanelRows, rows);
  if (linear.packed) {
    const PackedWeight& packed = *linear.packed;
    kernels.packed_matmul[static_cast<std::size_t>(packed.format)](
        {.panels = packed.panels + panels.begin * panel_bytes(packed.format, columns),
         .x = quantized,
         .y = output.y + first,
         .y_stride = rows,
         .panel_count = panels.end - panels.begin,
         .last_rows = end - (panels.end - 1) * kPanelRows});
  } else {
    const std::uint64_t stride = *row_bytes(linear.w.dtype, static_cast<std::uint64_t>(columns));
    linear.matmul({.w = linear.w.data + static_cast<std::uint64_t>(first) * stride,
                   .x = x_TC,
                   .y = output.y + first,
                   .tokens = tokens,
                   .rows = end - first,
                   .columns = columns,
                   .x_stride = columns,
                   .y_stride = rows});
  }
  if (linear.bias.empty()) return;
  for (std::int64_t t = 0; t < tokens; ++t) {
    float* y = output.y + t * rows;
    for (std::int64_t r = first; r < end; ++r) y[r] += linear.bias[r];
  }
}

void quantize(const KernelTable& kernels, const float* x_TC, const QuantizedRows& out) {
  const std::int64_t groups = out.columns / kGroupColumns;
  // A few microseconds of work are worth waking no one for.
  constexpr std::int64_t kGroupsOfWork = 2048;
  const std::int64_t grain = std::max<std::int64_t>(1, kGroupsOfWork / out.tokens);
  parallel_for(groups, grain, [&](WorkRange range) {
    kernels.quantize_rows(
        {.x = x_TC, .x_stride = out.columns, .out = out, .first_group = range.begin, .last_group = range.end});
  });
}

}  // namespace

QuantizedRows QuantizeScratch::rows(std::int64_t tokens, std::int64_t columns) {
  constexpr std::size_t kAlignment = 64;
  codes_.resize(std::max(codes_.size(), static_cast<std::size_t>(tokens * columns) + kAlignment));
  side_.resize(std::max(side_.size(), static_cast<std::size_t>(tokens * columns / kGroupColumns)));
  const auto address = reinterpret_cast<std::uintptr_t>(codes_.data());
  return {codes_.data() + (kAlignment - address % kAlignment) % kAlignment, side_.data(), tokens, columns};
}

void apply_linears(const KernelTable& kernels, QuantizeScratch& scratch, const float* x_TC, std::int64_t tokens,
                   std::span<const LinearOutput> outputs) {
  std::int64_t panels = 0;
  QuantizedRows quantized{};
  for (const LinearOutput& output : outputs) {
    panels += output.linear.panels();
    if (!output.linear.packed || quantized.codes != nullptr) continue;
    quantized = scratch.rows(tokens, output.linear.columns());
    quantize(kernels, x_TC, quantized);
  }
  parallel_for(panels, 1, [&](WorkRange range) {
    for (const LinearOutput& output : outputs) {
      const std::int64_t mine = output.linear.panels();
      const WorkRange part{std::clamp<std::int64_t>(range.begin, 0, mine),
                           std::clamp<std::int64_t>(range.end, 0, mine)};
      if (part.begin < part.end) multiply(kernels, output, x_TC, quantized, tokens, part);
      range.begin -= mine;
      range.end -= mine;
    }
  });
}

}  // namespace retort
