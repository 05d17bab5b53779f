#include <algorithm>
#include <omp.h>

#include "core/parallel.h"

namespace retort {

void parallel_for(std::int64_t count, std::int64_t grain, const std::function<void(WorkRange)>& body) {
  if (count <= 0) return;
  const std::int64_t grains = (count + grain - 1) / grain;
  const int threads = static_cast<int>(std::min<std::int64_t>(thread_count(), grains));
  if (threads == 1 || omp_in_parallel()) {
    body({0, count});
    return;
  }
#pragma omp parallel num_threads(threads)
  {
    // The runtime may give fewer threads than asked for: share by what it gave.
    const WorkRange range = work_share(count, grain, omp_get_thread_num(), omp_get_num_threads());
    if (range.begin < range.end) body(range);
  }
}

}  // namespace retort
