// What a core's tiles do at most, and what runs beside them: a step is 4 products, 4 loads of 1 KiB from L1 (all eight
// registers, which shows a neighbour most: kernels/amx/tile.h), 64 vector FMAs, or several of these. Were they
// independent, a step would take as long as the longest of them. How long it takes tells how the kernels in kernels/amx
// have to be arranged, and whether a neighbour has the core's other thread: then products and loads that take some
// 35 and 20 ns alone take 80 to 100 together, and 37 to 49 without one.
#include <benchmark/benchmark.h>
#include <cstdint>
#include <random>
#include <vector>

#include "context.h"
#include "kernels/amx/tile.h"

namespace {

constexpr int kSteps = 16;
constexpr int kChains = 8;

struct Operands {
  alignas(64) std::uint8_t left[kSteps][2][retort::kTileBytes];
  alignas(64) std::uint8_t right[4][2][retort::kTileBytes];  // read again and again, as expanded weights are
};

enum : unsigned { kProducts = 1, kLoads = 2, kFmas = 4 };

template <unsigned kWhat>
void run(const Operands& data, float* out) {
  const retort::Tiles tiles;
  retort::tile_zero<0>();
  retort::tile_zero<1>();
  retort::tile_zero<2>();
  retort::tile_zero<3>();
  __m512 sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = _mm512_set1_ps(out[i]);
  const __m512 a = _mm512_set1_ps(0.999f);
  const __m512 b = _mm512_set1_ps(0.001f);
  const auto fmas = [&] {
    if constexpr ((kWhat & kFmas) == 0) return;
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) sums[i % kChains] = _mm512_fmadd_ps(sums[i % kChains], a, b);
  };
  for (int s = 0; s < kSteps; ++s) {
    if constexpr ((kWhat & kLoads) != 0) {
      retort::tile_load<4>(data.left[s][0], retort::kTileStride);
      retort::tile_load<6>(data.right[s % 4][0], retort::kTileStride);
      retort::tile_load<5>(data.left[s][1], retort::kTileStride);
      retort::tile_load<7>(data.right[s % 4][1], retort::kTileStride);
    }
    if constexpr ((kWhat & kProducts) != 0) retort::tile_product_with_unsigned<0, 4, 6>();
    fmas();
    if constexpr ((kWhat & kProducts) != 0) retort::tile_product_with_unsigned<1, 5, 6>();
    fmas();
    if constexpr ((kWhat & kProducts) != 0) retort::tile_product_with_unsigned<2, 4, 7>();
    fmas();
    if constexpr ((kWhat & kProducts) != 0) retort::tile_product_with_unsigned<3, 5, 7>();
    fmas();
  }
  for (int i = 0; i < kChains; ++i) out[i] = _mm512_cvtss_f32(sums[i]);
}

template <unsigned kWhat>
void tile_peak(benchmark::State& state) {
  if (retort::bench::kernels().isa != retort::Isa::kAmx) return state.SkipWithError("no tiles here");
  std::vector<Operands> data(1);
  std::mt19937 random(1);  // zeros would be faster than numbers
  for (auto& step : data[0].left) {
    for (auto& tile : step) {
      for (std::uint8_t& byte : tile) byte = static_cast<std::uint8_t>(random());
    }
  }
  for (auto& step : data[0].right) {
    for (auto& tile : step) {
      for (std::uint8_t& byte : tile) byte = static_cast<std::uint8_t>(random());
    }
  }
  float out[kChains] = {};
  for (auto _ : state) {
    run<kWhat>(data[0], out);
    benchmark::DoNotOptimize(out);
  }
  state.counters["step"] = benchmark::Counter(
      kSteps, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert, benchmark::Counter::kIs1000);
}

BENCHMARK(tile_peak<kProducts>)->Name("tile_peak/products");
BENCHMARK(tile_peak<kLoads>)->Name("tile_peak/loads");
BENCHMARK(tile_peak<kFmas>)->Name("tile_peak/fmas");
BENCHMARK(tile_peak<kProducts | kLoads>)->Name("tile_peak/products_loads");
BENCHMARK(tile_peak<kProducts | kFmas>)->Name("tile_peak/products_fmas");
BENCHMARK(tile_peak<kProducts | kLoads | kFmas>)->Name("tile_peak/products_loads_fmas");

}  // namespace
