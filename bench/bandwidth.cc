// What memory gives: sequential reads with one thread and with all, from 4 KiB pages and from huge ones. Decoding
// reads every weight for every token, so this is what its speed is compared with.
#include <atomic>
#include <benchmark/benchmark.h>
#include <cstdint>
#include <cstring>
#include <sys/mman.h>

#include "context.h"
#include "core/parallel.h"

namespace {

[[maybe_unused]] const bool kNamed = retort::bench::name_machine();

constexpr std::size_t kBytes = std::size_t{512} << 20;  // far beyond any L3

/// Sum of words in several independent chains, so that nothing but loads limits it.
std::uint64_t sum_words(const std::uint64_t* words, std::int64_t n) {
  std::uint64_t sums[16] = {};
  for (std::int64_t i = 0; i + 16 <= n; i += 16) {
    for (int j = 0; j < 16; ++j) sums[j] += words[i + j];
  }
  std::uint64_t sum = 0;
  for (const std::uint64_t part : sums) sum += part;
  return sum;
}

void read_memory(benchmark::State& state) {
  const auto threads = static_cast<int>(state.range(0));
  const bool huge = state.range(1) != 0;
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    state.SkipWithError("cannot map 512 MiB");
    return;
  }
  madvise(memory, kBytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  std::memset(memory, 1, kBytes);
  const int before = retort::thread_count();
  static_cast<void>(retort::set_thread_count(threads));
  const auto* words = static_cast<const std::uint64_t*>(memory);
  for (auto _ : state) {
    std::atomic<std::uint64_t> total = 0;
    retort::parallel_for(kBytes / 8, 512, [&](retort::WorkRange range) {
      total += sum_words(words + range.begin, range.end - range.begin);
    });
    benchmark::DoNotOptimize(total.load());
  }
  static_cast<void>(retort::set_thread_count(before));
  munmap(memory, kBytes);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kBytes));
}

BENCHMARK(read_memory)->ArgNames({"threads", "huge"})->ArgsProduct({{1, 2}, {0, 1}})->UseRealTime();

}  // namespace
