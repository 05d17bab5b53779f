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

/// A line of memory, in vectors of whatever width the compiler has: eight scalar additions a line would be the limit.
using Line = std::uint64_t __attribute__((vector_size(64)));

/// Sum of lines in four chains, so that nothing but loads limits it; with prefetches 4 KiB ahead, or none.
std::uint64_t sum_lines(const Line* lines, std::int64_t n, bool ahead) {
  Line sums[4] = {};
  for (std::int64_t i = 0; i + 4 <= n; i += 4) {
    for (int j = 0; j < 4; ++j) {
      if (ahead) __builtin_prefetch(lines + i + j + 64, 0, 3);
      sums[j] += lines[i + j];
    }
  }
  const Line all = sums[0] + sums[1] + sums[2] + sums[3];
  std::uint64_t sum = 0;
  for (int i = 0; i < 8; ++i) sum += all[i];
  return sum;
}

void read_memory(benchmark::State& state) {
  const auto threads = static_cast<int>(state.range(0));
  const bool huge = state.range(1) != 0;
  const bool ahead = state.range(2) != 0;
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    state.SkipWithError("cannot map 512 MiB");
    return;
  }
  madvise(memory, kBytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  std::memset(memory, 1, kBytes);
  const int before = retort::thread_count();
  static_cast<void>(retort::set_thread_count(threads));
  const auto* lines = static_cast<const Line*>(memory);
  for (auto _ : state) {
    std::atomic<std::uint64_t> total = 0;
    retort::parallel_for(kBytes / sizeof(Line), 64, [&](retort::WorkRange range) {
      total += sum_lines(lines + range.begin, range.end - range.begin, ahead);
    });
    benchmark::DoNotOptimize(total.load());
  }
  static_cast<void>(retort::set_thread_count(before));
  munmap(memory, kBytes);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kBytes));
}

BENCHMARK(read_memory)->ArgNames({"threads", "huge", "ahead"})->ArgsProduct({{1, 2}, {0, 1}, {0, 1}})->UseRealTime();

}  // namespace
