// The kernels: decoding's products by GB/s of packed weights, prefill's by GFLOP/s, attention and the small ones.
// To be read beside roofline_bench, which says what the machine allows.
#include <benchmark/benchmark.h>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "context.h"
#include "core/float_bits.h"
#include "core/pages.h"
#include "core/parallel.h"
#include "data.h"
#include "kernels/packed.h"

namespace {

using retort::DType;
using retort::bench::kernels;
using retort::bench::random_floats;
using retort::bench::random_weights;
using retort::bench::rate;

[[maybe_unused]] const bool kNamed = retort::bench::name_machine();

/// Rows of a weight, divided among threads as a layer does.
void multiply(const retort::MatmulArgs& args, DType dtype, std::uint64_t bytes_per_row) {
  retort::parallel_for(args.rows, 16, [&](retort::WorkRange range) {
    retort::MatmulArgs part = args;
    part.w = static_cast<const char*>(args.w) + static_cast<std::uint64_t>(range.begin) * bytes_per_row;
    part.y = args.y + range.begin;
    part.rows = range.end - range.begin;
    kernels().matmul[static_cast<int>(dtype)](part);
  });
}

/// tokens, rows, columns, threads.
void matmul(benchmark::State& state, DType dtype) {
  const std::int64_t tokens = state.range(0);
  const std::int64_t rows = state.range(1);
  const std::int64_t columns = state.range(2);
  const int before = retort::thread_count();
  static_cast<void>(retort::set_thread_count(static_cast<int>(state.range(3))));
  const std::uint64_t bytes_per_row = *retort::row_bytes(dtype, columns);
  const std::vector<char> w = random_weights(bytes_per_row * static_cast<std::uint64_t>(rows));
  const std::vector<float> x = random_floats(tokens * columns);
  std::vector<float> y(tokens * rows);
  for (auto _ : state) {
    multiply({w.data(), x.data(), y.data(), tokens, rows, columns, columns, rows}, dtype, bytes_per_row);
    benchmark::DoNotOptimize(y.data());
  }
  static_cast<void>(retort::set_thread_count(before));
  state.counters["GFLOP/s"] = rate(2.0 * static_cast<double>(tokens * rows * columns));
  if (tokens == 1) {
    state.counters["GB/s"] = rate(static_cast<double>(bytes_per_row) * static_cast<double>(rows));
    state.counters["Gweights/s"] = rate(static_cast<double>(rows * columns));
  }
}

/// Packed weights in huge pages: tokens, rows (a multiple of 16), columns, threads.
void packed_matmul(benchmark::State& state, retort::PackedFormat format) {
  const std::int64_t tokens = state.range(0);
  const std::int64_t rows = state.range(1);
  const std::int64_t columns = state.range(2);
  const int before = retort::thread_count();
  static_cast<void>(retort::set_thread_count(static_cast<int>(state.range(3))));
  const std::int64_t bytes = retort::panel_bytes(format, columns);
  const std::int64_t panels = rows / retort::kPanelRows;
  const auto memory = retort::bench::random_panels(format, panels, columns);
  if (!memory) return state.SkipWithError("no memory");
  const std::vector<float> x = random_floats(tokens * columns);
  const std::int64_t groups = columns / retort::kGroupColumns;
  std::vector<std::int8_t> codes(tokens * columns + retort::kReadBehind);
  std::vector<retort::ActivationGroup> side(tokens * groups + retort::kReadBehind);
  std::vector<float> y(tokens * rows);
  const retort::QuantizedRows quantized{codes.data(), side.data(), tokens, columns};
  for (auto _ : state) {
    kernels().quantize_rows({x.data(), columns, quantized, 0, groups});
    retort::parallel_for(panels, 1, [&](retort::WorkRange range) {
      kernels().packed_matmul[static_cast<int>(format)]({memory->data() + range.begin * bytes, quantized,
                                                         y.data() + range.begin * retort::kPanelRows, rows,
                                                         range.end - range.begin, retort::kPanelRows});
    });
    benchmark::DoNotOptimize(y.data());
  }
  static_cast<void>(retort::set_thread_count(before));
  state.counters["Gops/s"] = rate(2.0 * static_cast<double>(tokens * rows * columns));
  state.counters["Gweights/s"] = rate(static_cast<double>(rows * columns));
  if (tokens == 1) state.counters["GB/s"] = rate(static_cast<double>(panels * bytes));
}

/// The same with activations of 12 bits (wide.h), where the processor has them.
void wide_matmul(benchmark::State& state, retort::PackedFormat format) {
  const std::int64_t tokens = state.range(0);
  const std::int64_t rows = state.range(1);
  const std::int64_t columns = state.range(2);
  if (kernels().wide_rows == nullptr) return state.SkipWithError("these kernels have no products of 12 bits");
  const int before = retort::thread_count();
  static_cast<void>(retort::set_thread_count(static_cast<int>(state.range(3))));
  const std::int64_t bytes = retort::panel_bytes(format, columns);
  const std::int64_t panels = rows / retort::kPanelRows;
  const auto memory = retort::bench::random_panels(format, panels, columns);
  if (!memory) return state.SkipWithError("no memory");
  const std::vector<float> x = random_floats(tokens * columns);
  auto codes = retort::Pages::allocate(static_cast<std::size_t>(retort::WideRows::code_count(tokens, columns)));
  if (!codes) return state.SkipWithError(codes.error().message().c_str());
  std::vector<float> scales(retort::WideRows::scale_count(tokens, columns));
  std::vector<std::int32_t> pairs(retort::WideRows::pair_count(tokens, columns));
  std::vector<std::int32_t> offsets(retort::WideRows::offset_count(tokens, columns));
  std::vector<float> y(tokens * rows);
  const retort::WideRows wide{
      reinterpret_cast<std::int8_t*>(codes->data()), scales.data(), pairs.data(), offsets.data(), tokens, columns};
  for (auto _ : state) {
    kernels().wide_rows({x.data(), columns, wide, 0, columns / retort::kWideColumns});
    retort::parallel_for(panels, tokens > 4 ? 8 : 1, [&](retort::WorkRange range) {
      kernels().wide_matmul[static_cast<int>(format)]({memory->data() + range.begin * bytes, wide,
                                                       y.data() + range.begin * retort::kPanelRows, rows,
                                                       range.end - range.begin, retort::kPanelRows});
    });
    benchmark::DoNotOptimize(y.data());
  }
  static_cast<void>(retort::set_thread_count(before));
  state.counters["Gops/s"] = rate(2.0 * static_cast<double>(tokens * rows * columns));
  state.counters["Gweights/s"] = rate(static_cast<double>(rows * columns));
  if (tokens == 1) state.counters["GB/s"] = rate(static_cast<double>(panels * bytes));
}

/// One kv head's blocks, read by `rows` queries: type, positions, rows, head dim. One thread.
void attention(benchmark::State& state) {
  const auto type = static_cast<retort::KvCacheType>(state.range(0));
  const std::int64_t blocks = state.range(1) / retort::kKvBlockPositions;
  const std::int64_t count = state.range(2);
  const std::int64_t dim = state.range(3);
  const retort::KvBlockLayout layout = retort::kv_block_layout(type, dim);
  auto memory = retort::Pages::allocate(static_cast<std::size_t>(blocks * layout.head_bytes));
  if (!memory) return state.SkipWithError(memory.error().message().c_str());
  const std::vector<float> k = random_floats(dim);
  for (std::int64_t p = 0; p < blocks * retort::kKvBlockPositions; ++p) {
    retort::store_kv(layout, memory->data() + p / 64 * layout.head_bytes, p % 64, k.data(), k.data());
  }
  const std::vector<float> q = random_floats(count * dim);
  std::vector<float> out(count * layout.padded_dim);
  for (auto _ : state) {
    std::vector<retort::AttentionRow> rows;
    for (std::int64_t r = 0; r < count; ++r) {
      rows.push_back({q.data() + r * dim, out.data() + r * layout.padded_dim, -std::numeric_limits<float>::infinity(),
                      0, 0, static_cast<std::int32_t>(retort::kKvBlockPositions)});
    }
    for (std::int64_t b = 0; b < blocks; ++b) {
      const std::byte* head = memory->data() + b * layout.head_bytes;
      kernels().attention_block(
          {&layout, head, b + 1 < blocks ? head + layout.head_bytes : nullptr, rows.data(), count, 0.1f});
    }
    benchmark::DoNotOptimize(out.data());
  }
  state.SetLabel(std::string(to_string(type)));
  state.counters["GFLOP/s"] = rate(4.0 * static_cast<double>(blocks * retort::kKvBlockPositions * count * dim));
  state.counters["GB/s"] = rate(static_cast<double>(blocks * layout.head_bytes));
}

void rms_norm(benchmark::State& state) {
  const std::vector<float> x = random_floats(state.range(0));
  std::vector<float> y(x.size());
  for (auto _ : state) kernels().rms_norm(x.data(), x.data(), y.data(), state.range(0), 1e-6f);
  state.counters["Gelements/s"] = rate(static_cast<double>(state.range(0)));
}

void silu_mul(benchmark::State& state) {
  const std::vector<float> x = random_floats(state.range(0));
  std::vector<float> y = x;
  for (auto _ : state) {
    kernels().silu_mul(y.data(), x.data(), state.range(0));
    benchmark::ClobberMemory();
  }
  state.counters["Gelements/s"] = rate(static_cast<double>(state.range(0)));
}

void argmax(benchmark::State& state) {
  const std::vector<float> x = random_floats(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(kernels().argmax(x.data(), state.range(0)));
  state.counters["Gelements/s"] = rate(static_cast<double>(state.range(0)));
}

void log_sum_exp(benchmark::State& state) {
  const std::vector<float> x = random_floats(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(kernels().log_sum_exp(x.data(), state.range(0)));
  state.counters["Gelements/s"] = rate(static_cast<double>(state.range(0)));
}

/// Every weight type: decoding through 128 Mi weights (more than an L3 holds) of short and long rows, prefill of many
/// tokens.
bool register_matmuls() {
  for (std::size_t i = 0; i < retort::kDTypeCount; ++i) {
    const auto dtype = static_cast<DType>(i);
    if (kernels().matmul[i] == nullptr) continue;
    const std::string name = "matmul/" + std::string(retort::to_string(dtype));
    auto* bench = benchmark::RegisterBenchmark(name.c_str(), [dtype](benchmark::State& s) { matmul(s, dtype); });
    bench->ArgNames({"tokens", "rows", "columns", "threads"})->UseRealTime()->Unit(benchmark::kMillisecond);
    const std::int64_t short_row = retort::dtype_info(dtype).block_elements == 256 ? 1024 : 896;
    for (const std::int64_t threads : {1, 2}) {
      bench->Args({1, (std::int64_t{128} << 20) / short_row, short_row, threads});
      bench->Args({1, (std::int64_t{128} << 20) / 4864, 4864, threads});
    }
    for (const std::int64_t tokens : {2, 8, 64, 512}) bench->Args({tokens, 4864, short_row, 1});
    bench->Args({512, 896, 4864, 1});
    bench->Args({512, 4864, short_row, 2});
  }
  return true;
}
[[maybe_unused]] const bool kRegistered = register_matmuls();

bool register_packed() {
  for (std::size_t i = 0; i < retort::kPackedFormatCount; ++i) {
    const auto format = static_cast<retort::PackedFormat>(i);
    const auto add = [&](const char* kernel, void (*run)(benchmark::State&, retort::PackedFormat)) {
      const std::string name = std::string(kernel) + "/" + retort::packed_info(format).name;
      auto* bench = benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& s) { run(s, format); });
      bench->ArgNames({"tokens", "rows", "columns", "threads"})->UseRealTime()->Unit(benchmark::kMillisecond);
      for (const std::int64_t threads : {1, 2}) {
        bench->Args({1, 131'072, 1536, threads});
        for (const std::int64_t tokens : {2, 4, 8, 16, 32, 64, 512}) bench->Args({tokens, 8960, 1536, threads});
        bench->Args({64, 1536, 8960, threads});
      }
    };
    add("packed_matmul", packed_matmul);
    if (retort::is_wide(format)) add("wide_matmul", wide_matmul);
  }
  return true;
}
[[maybe_unused]] const bool kPackedRegistered = register_packed();

BENCHMARK(attention)
    ->ArgNames({"type", "positions", "rows", "head_dim"})
    ->ArgsProduct({{0, 1, 2, 3}, {131'072}, {5, 6, 7, 96}, {128}})
    ->ArgsProduct({{1}, {131'072}, {7}, {64}});
BENCHMARK(rms_norm)->Arg(896)->Arg(5120);
BENCHMARK(silu_mul)->Arg(4864);
BENCHMARK(argmax)->Arg(151'936);
BENCHMARK(log_sum_exp)->Arg(151'936);

}  // namespace
