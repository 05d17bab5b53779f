// What one core computes: fp32 fused multiply-adds on registers alone, the bound of every matrix product here.
#include <benchmark/benchmark.h>
#include <immintrin.h>

#include "context.h"

namespace {

constexpr int kChains = 12;  // latency 4 x 2 a cycle = 8, and some
constexpr int kRounds = 1000;

[[gnu::target("avx2,fma")]] float fma_avx2(float seed) {
  __m256 sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = _mm256_set1_ps(seed + static_cast<float>(i));
  const __m256 a = _mm256_set1_ps(0.999f);
  const __m256 b = _mm256_set1_ps(0.001f);
  for (int round = 0; round < kRounds; ++round) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) sums[i] = _mm256_fmadd_ps(sums[i], a, b);
  }
  __m256 sum = sums[0];
  for (int i = 1; i < kChains; ++i) sum = _mm256_add_ps(sum, sums[i]);
  return _mm256_cvtss_f32(sum);
}

[[gnu::target("avx512f")]] float fma_avx512(float seed) {
  __m512 sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = _mm512_set1_ps(seed + static_cast<float>(i));
  const __m512 a = _mm512_set1_ps(0.999f);
  const __m512 b = _mm512_set1_ps(0.001f);
  for (int round = 0; round < kRounds; ++round) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) sums[i] = _mm512_fmadd_ps(sums[i], a, b);
  }
  __m512 sum = sums[0];
  for (int i = 1; i < kChains; ++i) sum = _mm512_add_ps(sum, sums[i]);
  return _mm512_cvtss_f32(sum);
}

void fma_peak(benchmark::State& state) {
  const retort::Isa isa = retort::bench::kernels().isa;
  if (isa == retort::Isa::kRef) {
    state.SkipWithError("ref has no vector FMAs to measure");
    return;
  }
  const bool wide = isa == retort::Isa::kAvx512 || isa == retort::Isa::kAmx;
  for (auto _ : state) benchmark::DoNotOptimize(wide ? fma_avx512(1.0f) : fma_avx2(1.0f));
  const double flops = 2.0 * (wide ? 16 : 8) * kChains * kRounds;
  state.counters["GFLOP/s"] =
      benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsIterationInvariantRate, benchmark::Counter::kIs1000);
}

BENCHMARK(fma_peak);

}  // namespace
