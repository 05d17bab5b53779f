#include <algorithm>
#include <thread>
#include <vector>

#include "core/parallel.h"

namespace retort {
namespace {
thread_local bool inside = false;
}

// Starts its threads anew at each call: for checking, not for speed.
void parallel_for(std::int64_t count, std::int64_t grain, const std::function<void(WorkRange)>& body) {
  if (count <= 0) return;
  const std::int64_t grains = (count + grain - 1) / grain;
  const int threads = static_cast<int>(std::min<std::int64_t>(thread_count(), grains));
  if (threads == 1 || inside) {
    body({0, count});
    return;
  }
  std::vector<std::thread> team;
  team.reserve(threads);
  for (int i = 0; i < threads; ++i) {
    team.emplace_back([&, i] {
      inside = true;
      const WorkRange range = work_share(count, grain, i, threads);
      if (range.begin < range.end) body(range);
    });
  }
  for (std::thread& thread : team) thread.join();
}

}  // namespace retort
