#include "core/parallel.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <mutex>
#include <sched.h>
#include <string>
#include <string_view>

#include "core/thread_team.h"

namespace retort {
namespace {

// Cores that the cgroup lets this process use, rounded up; 0 where there is no quota. cgroup v2: "max 100000" or
// "150000 100000" (microseconds of CPU time per period).
int cgroup_quota() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 0;
  const double microseconds = std::strtod(quota.c_str(), nullptr);
  return microseconds > 0 ? static_cast<int>(std::ceil(microseconds / period)) : 0;
}

int default_thread_count() {
  if (const char* text = std::getenv("RETORT_THREADS")) {
    const std::string_view view(text);
    int n = 0;
    const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), n);
    if (error == std::errc() && end == view.data() + view.size() && n >= 1 && n <= 1024) return n;
  }
  cpu_set_t set;
  CPU_ZERO(&set);
  int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
  if (const int quota = cgroup_quota(); quota > 0) n = std::min(n, quota);
  return std::max(n, 1);
}

std::atomic<int>& chosen() {
  static std::atomic<int> count{default_thread_count()};
  return count;
}

// The process's team, made when first needed and again when the number of threads has changed.
struct Shared {
  std::mutex mutex;  // held while a job runs
  std::unique_ptr<ThreadTeam> team;
};

// Never destroyed: exit() may be called while helpers sleep, or from a thread that is in the middle of something.
Shared& shared() {
  static auto& shared = *new Shared;
  return shared;
}

// Chunks per thread: enough that a thread which lost its core for a while leaves the others something to take, few
// enough that what a body does once per range (set up, unpack) stays small.
constexpr std::int64_t kChunksPerThread = 4;

}  // namespace

int thread_count() { return chosen().load(std::memory_order_relaxed); }

Status set_thread_count(int n) {
  if (n < 1 || n > 1024) return fail(ErrorCode::kInvalidArgument, "threads must be 1 to 1024 but is {}", n);
  chosen().store(n, std::memory_order_relaxed);
  return {};
}

WorkRange work_share(std::int64_t count, std::int64_t grain, int index, int parts) {
  const std::int64_t grains = (count + grain - 1) / grain;
  const std::int64_t base = grains / parts;
  const std::int64_t extra = grains % parts;
  const std::int64_t first = index * base + std::min<std::int64_t>(index, extra);
  const std::int64_t mine = base + (index < extra ? 1 : 0);
  return {std::min(first * grain, count), std::min((first + mine) * grain, count)};
}

void parallel_for(std::int64_t count, std::int64_t grain, const std::function<void(WorkRange)>& body) {
  if (count <= 0) return;
  const std::int64_t grains = (count + grain - 1) / grain;
  const int threads = thread_count();
  if (threads == 1 || grains == 1 || ThreadTeam::inside()) return body({0, count});
  const std::unique_lock lock(shared().mutex, std::try_to_lock);
  if (!lock) return body({0, count});
  std::unique_ptr<ThreadTeam>& team = shared().team;
  if (!team || team->helpers() != threads - 1) {
    team.reset();
    team = std::make_unique<ThreadTeam>(threads - 1);
  }
  const int chunks = static_cast<int>(std::min(grains, threads * kChunksPerThread));
  team->run(static_cast<std::uint32_t>(chunks),
            [&](std::uint32_t i) { body(work_share(count, grain, static_cast<int>(i), chunks)); });
}

}  // namespace retort
