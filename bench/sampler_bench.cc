// The sampler on rows as long as Qwen2.5's vocabulary, against one that sorts the row.
//
// "peaked" rows look like a language model's (normal, deviation 3, and a few tokens far above); "unsure" ones like
// those after a senseless prompt (normal, nothing above): a nucleus of tens of thousands; "flat" ones are all equal.
#include <algorithm>
#include <benchmark/benchmark.h>
#include <cmath>
#include <random>
#include <vector>

#include "engine/philox.h"
#include "engine/sampler.h"

namespace {

constexpr std::int64_t kVocab = 151'936;

enum class Row { kPeaked, kUnsure, kFlat };

std::vector<float> make_row(Row kind) {
  std::vector<float> row(kVocab, 1.0f);
  if (kind == Row::kFlat) return row;
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0.0f, 3.0f);
  for (float& x : row) x = normal(random);
  if (kind == Row::kUnsure) return row;
  for (int i = 0; i < 20; ++i) row[random() % row.size()] = 20.0f - static_cast<float>(i) * 0.7f;
  return row;
}

void run(benchmark::State& state, const retort::SamplingParams& params, Row kind, int seen) {
  const std::vector<float> row = make_row(kind);
  std::vector<float> scratch = row;
  retort::TokenCounts counts(kVocab);
  for (int i = 0; i < seen; ++i) counts.add_output(i * 7);
  std::uint32_t position = 0;
  for (auto _ : state) {
    std::copy(row.begin(), row.end(), scratch.begin());
    benchmark::DoNotOptimize(retort::sample_token(scratch, params, counts, 0, position++));
  }
}

void run_sorting(benchmark::State& state) {
  const std::vector<float> row = make_row(Row::kPeaked);
  std::uint32_t position = 0;
  for (auto _ : state) {
    std::vector<std::pair<float, std::int32_t>> sorted(kVocab);
    for (std::int32_t i = 0; i < kVocab; ++i) sorted[i] = {-row[i], i};
    std::sort(sorted.begin(), sorted.end());
    std::vector<double> weights(kVocab);
    double sum = 0;
    for (std::int64_t i = 0; i < kVocab; ++i) {
      sum += weights[i] = std::exp((static_cast<double>(sorted[0].first) - sorted[i].first) / 0.6);
    }
    double mass = 0;
    std::int64_t keep = 0;
    while (keep < kVocab && mass < 0.95 * sum) mass += weights[keep++];
    double left = mass * retort::uniform(0, 0, position++, 0);
    std::int64_t i = 0;
    while (i + 1 < keep && (left -= weights[i]) >= 0) ++i;
    benchmark::DoNotOptimize(sorted[i].second);
  }
}

}  // namespace

BENCHMARK_CAPTURE(run, copy_and_greedy, {.temperature = 0}, Row::kPeaked, 0)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(run, r1_defaults, {.temperature = 0.6, .top_p = 0.95}, Row::kPeaked, 0)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(run, full_distribution, {.temperature = 1.0}, Row::kPeaked, 0)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(run, qwen_defaults, {.temperature = 0.7, .top_p = 0.8, .top_k = 20, .repetition_penalty = 1.05},
                  Row::kPeaked, 4000)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(run, min_p, {.temperature = 1.0, .min_p = 0.05}, Row::kPeaked, 0)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(run, with_20_logprobs, {.temperature = 0.6, .top_p = 0.95, .logprobs = 20}, Row::kPeaked, 0)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(run, unsure_top_p, {.temperature = 1.0, .top_p = 0.95}, Row::kUnsure, 0)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(run, flat_top_p, {.temperature = 0.6, .top_p = 0.95}, Row::kFlat, 0)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(run, flat_top_k, {.top_k = 50}, Row::kFlat, 0)->Unit(benchmark::kMicrosecond);
BENCHMARK(run_sorting)->Unit(benchmark::kMicrosecond);
