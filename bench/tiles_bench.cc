// What prompts are computed with on AMX: products of packed weights in bf16 tiles, and attention. One thread, by its
// own time; a tile product's limit is 16 x 16 x 32 products in 16 cycles, 1,024 floating-point operations a cycle.
#include <benchmark/benchmark.h>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "context.h"
#include "core/pages.h"
#include "data.h"
#include "kernels/packed.h"
#include "kernels/tiles.h"

namespace {

using retort::bench::kernels;
using retort::bench::random_floats;
using retort::bench::rate;

std::byte* must_have(retort::Expected<retort::Pages>& pages) { return pages->data(); }

/// tokens, rows (a multiple of 16), columns.
void tile_matmul(benchmark::State& state, retort::PackedFormat format) {
  const std::int64_t tokens = state.range(0);
  const std::int64_t rows = state.range(1);
  const std::int64_t columns = state.range(2);
  const std::int64_t panels = rows / retort::kPanelRows;
  const auto weights = retort::bench::random_panels(format, panels, columns);
  auto tiles = retort::Pages::allocate(static_cast<std::size_t>(2 * retort::tiled_elements(tokens, columns)));
  auto scratch = retort::Pages::allocate(retort::kTileScratchBytes);
  if (!weights || !tiles || !scratch) return state.SkipWithError("no memory");
  const std::vector<float> x = random_floats(tokens * columns);
  std::vector<float> y(tokens * rows);
  const retort::TiledRows tiled{reinterpret_cast<std::uint16_t*>(must_have(tiles)), tokens, columns};
  kernels().tile_rows({x.data(), columns, tiled, 0, (tokens + 15) / 16});
  for (auto _ : state) {
    kernels().tile_matmul[static_cast<int>(format)](
        {weights->data(), tiled, y.data(), rows, panels, retort::kPanelRows, must_have(scratch)});
    benchmark::DoNotOptimize(y.data());
  }
  state.counters["GFLOP/s"] = rate(2.0 * static_cast<double>(tokens * rows * columns));
}

/// One kv head's blocks, read by `rows` queries that see all of them: type, positions, rows, head dim, parts.
void tile_attention(benchmark::State& state) {
  const auto type = static_cast<retort::KvCacheType>(state.range(0));
  const std::int64_t positions = state.range(1);
  const std::int64_t count = state.range(2);
  const std::int64_t dim = state.range(3);
  const auto parts = static_cast<retort::TileParts>(state.range(4));
  const retort::KvBlockLayout layout = retort::kv_block_layout(type, dim);
  const std::int64_t blocks = positions / retort::kKvBlockPositions;
  auto memory = retort::Pages::allocate(static_cast<std::size_t>(blocks * layout.head_bytes));
  auto scratch =
      retort::Pages::allocate(static_cast<std::size_t>(retort::tile_attention_scratch(layout, parts, count)));
  if (!memory || !scratch) return state.SkipWithError("no memory");
  const std::vector<float> k = random_floats(positions + dim);
  std::vector<const std::byte*> heads;
  for (std::int64_t p = 0; p < positions; ++p) {
    std::byte* head = must_have(memory) + p / 64 * layout.head_bytes;
    if (p % 64 == 0) heads.push_back(head);
    retort::store_kv(layout, head, p % 64, k.data() + p, k.data() + p);
  }
  const std::vector<float> q = random_floats(count * dim);
  std::vector<float> out(count * dim);
  std::vector<retort::TileAttentionRow> rows;
  for (std::int64_t r = 0; r < count; ++r) rows.push_back({q.data() + r * dim, out.data() + r * dim, 0, positions});
  for (auto _ : state) {
    kernels().tile_attention({&layout, heads.data(), blocks, 0, rows.data(), count, parts, 0.1f, must_have(scratch)});
    benchmark::DoNotOptimize(out.data());
  }
  state.SetLabel(std::string(to_string(type)));
  state.counters["GFLOP/s"] = rate(4.0 * static_cast<double>(positions * count * dim));
}

bool register_tiles() {
  if (!kernels().has_prompt_recipe()) return false;
  for (std::size_t i = 0; i < retort::kPackedFormatCount; ++i) {
    const auto format = static_cast<retort::PackedFormat>(i);
    const std::string name = "tile_matmul/" + std::string(retort::packed_info(format).name);
    auto* bench = benchmark::RegisterBenchmark(name.c_str(), [format](benchmark::State& s) { tile_matmul(s, format); });
    bench->ArgNames({"tokens", "rows", "columns"})->Unit(benchmark::kMillisecond);
    for (const std::int64_t tokens : {1, 16, 64, 512, 2048}) bench->Args({tokens, 2048, 1536});
    bench->Args({512, 1536, 8960});
  }
  auto* bench = benchmark::RegisterBenchmark("tile_attention", tile_attention);
  bench->ArgNames({"type", "positions", "rows", "dim", "parts"})->Unit(benchmark::kMillisecond);
  for (const auto type : {retort::KvCacheType::kBf16, retort::KvCacheType::kFp8E4m3, retort::KvCacheType::kInt8}) {
    bench->Args({static_cast<int>(type), 512, 192, 128, 1});
    bench->Args({static_cast<int>(type), 4096, 192, 128, 1});
    bench->Args({static_cast<int>(type), 4096, 189, 64, 1});
    bench->Args({static_cast<int>(type), 4096, 6, 128, 2});
    bench->Args({static_cast<int>(type), 65536, 6, 128, 2});
  }
  return true;
}
[[maybe_unused]] const bool kRegistered = register_tiles();

}  // namespace
