// One way to use several cores: parallel_for over parts of a range, on a team of threads that the process keeps
// (core/thread_team.h). Results never depend on the number of threads or on who takes which part: a part of the work
// writes its own outputs and no sum crosses parts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "core/error.h"

namespace retort {

/// Number of threads that parallel_for uses: set_thread_count(), else RETORT_THREADS, else the cores this process
/// may run on (its affinity mask and, in a container, its CPU quota).
int thread_count();
/// n >= 1. Not to be called while a parallel_for runs.
Status set_thread_count(int n);

/// A half-open range of work items.
struct WorkRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

/// Calls body(range) for contiguous ranges that together cover [0, count) once, each a multiple of `grain` items long
/// (but the last). Returns when all are done. `body` must not throw. A call from within a body, or while another thread
/// has the team, runs on the calling thread alone.
void parallel_for(std::int64_t count, std::int64_t grain, const std::function<void(WorkRange)>& body);

/// Part `index` of [0, count) cut into `parts` as equal as multiples of `grain` allow.
WorkRange work_share(std::int64_t count, std::int64_t grain, int index, int parts);

}  // namespace retort
