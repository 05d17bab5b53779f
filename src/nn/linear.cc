#include "nn/linear.h"

#include <algorithm>

#include "core/parallel.h"

namespace retort {
namespace {

constexpr std::size_t kCacheLine = 64;

// What a product multiplies: rows of x as they are, and rounded.
struct Input {
  const float* x_TC;
  StepTokens tokens;
  QuantizedRows quantized;  // of the output's tokens, for formats without products of 12 bits
  WideRows wide;            // and for those with them
  TiledRows tiled;          // of the prompt's
};

bool multiplies_wide(const KernelTable& kernels, const Linear& linear) {
  return linear.packed && kernels.wide_matmul[static_cast<std::size_t>(linear.packed->format)] != nullptr;
}

template <typename T>
T* aligned_in(std::vector<T>& memory, std::int64_t elements) {
  constexpr std::size_t kSlack = kCacheLine / sizeof(T);
  if (memory.size() < static_cast<std::size_t>(elements) + kSlack) {
    memory.resize(static_cast<std::size_t>(elements) + kSlack);
  }
  const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
  return memory.data() + (kCacheLine - address % kCacheLine) % kCacheLine / sizeof(T);
}

// Memory that a product of tiles works in, one for each thread.
std::byte* tile_scratch() {
  thread_local std::vector<std::byte> memory;
  return aligned_in(memory, kTileScratchBytes);
}

void multiply(const KernelTable& kernels, const LinearOutput& output, const Input& input, WorkRange panels) {
  const Linear& linear = output.linear;
  const std::int64_t rows = linear.rows();
  const std::int64_t columns = linear.columns();
  const std::int64_t first = panels.begin * kPanelRows;
  const std::int64_t end = std::min(panels.end * kPanelRows, rows);
  const StepTokens& tokens = input.tokens;
  if (linear.packed) {
    const auto format = static_cast<std::size_t>(linear.packed->format);
    const void* source = linear.packed->panels + panels.begin * panel_bytes(linear.packed->format, columns);
    const std::int64_t count = panels.end - panels.begin;
    const std::int64_t last_rows = end - (panels.end - 1) * kPanelRows;
    if (tokens.prompt_from > 0 && multiplies_wide(kernels, linear)) {
      kernels.wide_matmul[format]({.panels = source,
                                   .x = input.wide,
                                   .y = output.y + first,
                                   .y_stride = rows,
                                   .panel_count = count,
                                   .last_rows = last_rows});
    } else if (tokens.prompt_from > 0) {
      kernels.packed_matmul[format]({.panels = source,
                                     .x = input.quantized,
                                     .y = output.y + first,
                                     .y_stride = rows,
                                     .panel_count = count,
                                     .last_rows = last_rows});
    }
    if (tokens.prompts() > 0) {
      kernels.tile_matmul[format]({.panels = source,
                                   .x = input.tiled,
                                   .y = output.y + tokens.prompt_from * rows + first,
                                   .y_stride = rows,
                                   .panel_count = count,
                                   .last_rows = last_rows,
                                   .scratch = tile_scratch()});
    }
  } else {
    const std::uint64_t stride = *row_bytes(linear.w.dtype, static_cast<std::uint64_t>(columns));
    linear.matmul({.w = linear.w.data + static_cast<std::uint64_t>(first) * stride,
                   .x = input.x_TC,
                   .y = output.y + first,
                   .tokens = tokens.count,
                   .rows = end - first,
                   .columns = columns,
                   .x_stride = columns,
                   .y_stride = rows});
  }
  if (linear.bias.empty()) return;
  for (std::int64_t t = 0; t < tokens.count; ++t) {
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

void widen(const KernelTable& kernels, const float* x_TC, const WideRows& out) {
  constexpr std::int64_t kRecordsOfWork = 256;  // as above
  const std::int64_t grain = std::max<std::int64_t>(1, kRecordsOfWork / out.tokens);
  parallel_for(out.columns / kWideColumns, grain, [&](WorkRange range) {
    kernels.wide_rows(
        {.x = x_TC, .x_stride = out.columns, .out = out, .first_record = range.begin, .last_record = range.end});
  });
}

void round_to_tiles(const KernelTable& kernels, const float* x_TC, const TiledRows& out) {
  parallel_for((out.tokens + kTileRows - 1) / kTileRows, 1, [&](WorkRange range) {
    kernels.tile_rows(
        {.x = x_TC, .x_stride = out.columns, .out = out, .first_tile = range.begin, .last_tile = range.end});
  });
}

// Panels that a thread takes at a time. Of a tile product up to 32, which read the activations together, and as many
// turns for each thread; of one of integers and several tokens eight, likewise, or what there is for a thread.
std::int64_t panels_at_a_time(std::int64_t panels, const StepTokens& tokens) {
  constexpr std::int64_t kMost = 32;
  const std::int64_t threads = thread_count();
  if (tokens.prompts() == 0) return tokens.prompt_from > 4 ? std::clamp<std::int64_t>(panels / threads, 1, 8) : 1;
  const std::int64_t turns = (panels + kMost * threads - 1) / (kMost * threads);
  return (panels + turns * threads - 1) / (turns * threads);
}

}  // namespace

QuantizedRows QuantizeScratch::rows(std::int64_t tokens, std::int64_t columns) {
  side_.resize(std::max(side_.size(), static_cast<std::size_t>(tokens * columns / kGroupColumns + kReadBehind)));
  return {aligned_in(codes_, tokens * columns + kReadBehind), side_.data(), tokens, columns};
}

TiledRows QuantizeScratch::tiles(std::int64_t tokens, std::int64_t columns) {
  return {aligned_in(tiles_, tiled_elements(tokens, columns)), tokens, columns};
}

WideRows QuantizeScratch::wide(std::int64_t tokens, std::int64_t columns) {
  const auto grow = [](auto& memory, std::int64_t count) {
    memory.resize(std::max(memory.size(), static_cast<std::size_t>(count)));
    return memory.data();
  };
  return {aligned_in(wide_codes_, WideRows::code_count(tokens, columns)),
          grow(wide_scales_, WideRows::scale_count(tokens, columns)),
          grow(wide_pairs_, WideRows::pair_count(tokens, columns)),
          grow(wide_offsets_, WideRows::offset_count(tokens, columns)),
          tokens,
          columns};
}

std::int64_t QuantizeScratch::bytes(std::int64_t tokens, std::int64_t columns) {
  const std::int64_t quantized = columns + columns / kGroupColumns * static_cast<std::int64_t>(sizeof(ActivationGroup));
  // Columns that are no multiple of 256 have no wide rows; counted as if they had.
  const std::int64_t words =
      WideRows::scale_count(1, columns) + WideRows::pair_count(1, columns) + WideRows::offset_count(1, columns);
  const std::int64_t wide = WideRows::code_count(1, columns) + 4 * words;
  return tokens * (quantized + wide + 2 * 2 * columns) + 2 * 2 * kTileRows * columns;
}

TiledRows QuantizeScratch::gated_tiles(std::int64_t tokens, std::int64_t columns) {
  return {aligned_in(gated_, tiled_elements(tokens, columns)), tokens, columns};
}

namespace {

// Rounds what the packed ones among `outputs` multiply.
Input round_input(const KernelTable& kernels, QuantizeScratch& scratch, const float* x_TC, StepTokens tokens,
                  std::span<const LinearOutput> outputs) {
  Input input{x_TC, tokens, {}, {}, {}};
  const auto is_packed = [](const LinearOutput& o) { return o.linear.packed.has_value(); };
  const auto is_wide = [&](const LinearOutput& o) { return multiplies_wide(kernels, o.linear); };
  if (std::ranges::none_of(outputs, is_packed)) return input;
  const std::int64_t columns = outputs.front().linear.columns();
  if (tokens.prompt_from > 0 && std::ranges::any_of(outputs, is_wide)) {
    input.wide = scratch.wide(tokens.prompt_from, columns);
    widen(kernels, x_TC, input.wide);
  }
  if (tokens.prompt_from > 0 &&
      std::ranges::any_of(outputs, [&](const LinearOutput& o) { return is_packed(o) && !is_wide(o); })) {
    input.quantized = scratch.rows(tokens.prompt_from, columns);
    quantize(kernels, x_TC, input.quantized);
  }
  if (tokens.prompts() > 0) {
    input.tiled = scratch.tiles(tokens.prompts(), columns);
    round_to_tiles(kernels, x_TC + tokens.prompt_from * columns, input.tiled);
  }
  return input;
}

void multiply_all(const KernelTable& kernels, const Input& input, std::span<const LinearOutput> outputs) {
  std::int64_t panels = 0;
  for (const LinearOutput& output : outputs) panels += output.linear.panels();
  parallel_for(panels, panels_at_a_time(panels, input.tokens), [&](WorkRange range) {
    for (const LinearOutput& output : outputs) {
      const std::int64_t mine = output.linear.panels();
      const WorkRange part{std::clamp<std::int64_t>(range.begin, 0, mine),
                           std::clamp<std::int64_t>(range.end, 0, mine)};
      if (part.begin < part.end) multiply(kernels, output, input, part);
      range.begin -= mine;
      range.end -= mine;
    }
  });
}

}  // namespace

void apply_linears(const KernelTable& kernels, QuantizeScratch& scratch, const float* x_TC, StepTokens tokens,
                   std::span<const LinearOutput> outputs) {
  multiply_all(kernels, round_input(kernels, scratch, x_TC, tokens, outputs), outputs);
}

bool can_gate(const KernelTable& kernels, const Linear& gate, const Linear& up, const Linear& down) {
  return gate.packed && up.packed && down.packed && gate.packed->format == up.packed->format &&
         kernels.tile_gated[static_cast<std::size_t>(gate.packed->format)] != nullptr && gate.bias.empty() &&
         up.bias.empty() && gate.rows() % kTileColumns == 0;
}

TiledRows apply_gated(const KernelTable& kernels, QuantizeScratch& scratch, const float* x_TC, StepTokens tokens,
                      const LinearOutput& gate, const LinearOutput& up) {
  const LinearOutput both[] = {gate, up};
  const Input input = round_input(kernels, scratch, x_TC, tokens, both);
  const TiledRows out = scratch.gated_tiles(tokens.prompts(), gate.linear.rows());
  Input of_output = input;
  of_output.tokens = StepTokens::of_output(tokens.prompt_from);
  const PackedFormat format = gate.linear.packed->format;
  const std::int64_t bytes = panel_bytes(format, gate.linear.columns());
  // Half as many at a time: they come in twos.
  const std::int64_t panels = gate.linear.panels();
  parallel_for(panels, (panels_at_a_time(2 * panels, tokens) + 1) / 2, [&](WorkRange range) {
    if (tokens.prompt_from > 0) {
      multiply(kernels, gate, of_output, range);
      multiply(kernels, up, of_output, range);
    }
    kernels.tile_gated[static_cast<std::size_t>(format)]({.gate = gate.linear.packed->panels + range.begin * bytes,
                                                          .up = up.linear.packed->panels + range.begin * bytes,
                                                          .x = input.tiled,
                                                          .out = out,
                                                          .first_panel = range.begin,
                                                          .panel_count = range.end - range.begin,
                                                          .scratch = tile_scratch()});
  });
  return out;
}

void apply_down(const KernelTable& kernels, QuantizeScratch& scratch, const Linear& down, const float* x_TC,
                const TiledRows& prompts, float* y_TR, StepTokens tokens) {
  const LinearOutput output{down, y_TR};
  Input input = round_input(kernels, scratch, x_TC, StepTokens::of_output(tokens.prompt_from), {&output, 1});
  input.tokens = tokens;
  input.tiled = prompts;
  multiply_all(kernels, input, {&output, 1});
}

}  // namespace retort
