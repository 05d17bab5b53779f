// Thousands of random schedules (scheduler_simulation.h says of what). RETORT_SIMULATION_SECONDS=1800 goes on for that
// long with fresh seeds, and watches the memory of the process.
#include "scheduler_simulation.h"

#include <chrono>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <malloc.h>
#include <random>
#include <unistd.h>

namespace retort {
namespace {

using testing::SchedulerSimulation;

double simulation_seconds() {
  const char* chosen = std::getenv("RETORT_SIMULATION_SECONDS");
  return chosen ? std::atof(chosen) : 0;
}

class Stopwatch {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// What the process holds, after giving back what it only keeps for later.
double resident_mib() {
  malloc_trim(0);
  std::ifstream file("/proc/self/statm");
  double total = 0, resident = 0;
  file >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1048576;
}

constexpr bool sanitized() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return true;
#else
  return false;
#endif
}

// A run of ten minutes or more has warmed up after a tenth; sanitizers keep freed memory for themselves.
class FlatMemory {
 public:
  explicit FlatMemory(double seconds) : seconds_(seconds) {}
  void look(double now) {
    if (warm_mib_ == 0 && now > seconds_ / 10) warm_mib_ = resident_mib();
  }
  void expect_flat() const {
    const double end = resident_mib();
    std::printf("resident: %.2f MiB after warming up, %.2f MiB at the end\n", warm_mib_, end);
    if (seconds_ >= 300 && !sanitized()) {
      // Of so small a process one percent is some pages of the allocator's; a leak of 16 bytes a schedule is more.
      EXPECT_LT(end, std::max(warm_mib_ * 1.01, warm_mib_ + 1));
    }
  }

 private:
  double seconds_;
  double warm_mib_ = 0;
};

TEST(SchedulerSimulation, EverySchedulePredictsItsOutputs) {
  std::int64_t steps = 0, preemptions = 0, hits = 0, evictions = 0, count = 0;
  const auto simulate = [&](std::uint64_t seed) {
    SchedulerSimulation simulation(seed);
    const std::string failure = simulation.run();
    EXPECT_EQ(failure, "") << "seed " << seed;
    ++count;
    steps += simulation.steps();
    preemptions += simulation.stats().num_preemptions;
    hits += simulation.stats().prefix.hits;
    evictions += simulation.stats().prefix.evictions;
    return failure.empty();
  };
  if (const double seconds = simulation_seconds(); seconds > 0) {
    std::random_device device;
    FlatMemory memory(seconds / 2);
    const Stopwatch watch;
    while (watch.seconds() < seconds / 2 && simulate(std::uint64_t{device()} << 32 | device())) {
      memory.look(watch.seconds());
    }
    memory.expect_flat();
  } else {
    for (std::uint64_t seed = 1; seed <= 1500 && simulate(seed); ++seed) continue;
  }
  std::printf("%ld schedules, %ld steps, %ld preemptions, %ld tokens found, %ld evictions\n", count, steps, preemptions,
              hits, evictions);
  // That it meets what it is for.
  EXPECT_GT(preemptions, count / 10);
  EXPECT_GT(hits, count * 10);
  EXPECT_GT(evictions, count / 10);
}

TEST(SchedulerSimulation, OneSchedulerServesThousandsOfRequests) {
  if (const double seconds = simulation_seconds(); seconds > 0) {
    std::random_device device;
    const std::uint64_t seed = std::uint64_t{device()} << 32 | device();
    std::printf("seed %lu\n", seed);
    SchedulerSimulation simulation(seed);
    FlatMemory memory(seconds / 2);
    const Stopwatch watch;
    while (watch.seconds() < seconds / 2) {
      ASSERT_EQ(simulation.run(1000), "") << "seed " << seed;
      memory.look(watch.seconds());
    }
    memory.expect_flat();
  } else {
    for (const std::uint64_t seed : {3, 4, 5, 6}) {
      SchedulerSimulation simulation(seed);
      EXPECT_EQ(simulation.run(300), "") << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace retort
