// What a process and all its descendants use at this moment, as /proc tells it.
#pragma once

#include <cstdint>
#include <sys/types.h>

namespace retort::grade {

struct ProcessUsage {
  double cpu_ms = 0;            ///< of the living, and of those that they have waited for
  std::int64_t memory = 0;      ///< bytes that are resident and no file's; what two share counts twice
  std::int64_t file_bytes = 0;  ///< in the first process's /tmp
  std::int64_t files = 0;       ///< there
};

/// Zeros for what has gone meanwhile. `first` must be a child, or a child's child, that nobody has waited for;
/// `tmp_bytes` is the size of its /tmp.
ProcessUsage usage_of_tree(pid_t first, std::int64_t tmp_bytes);

/// The memory with what several share counted once. Takes milliseconds where there is much of it.
std::int64_t exact_memory_of_tree(pid_t first);

}  // namespace retort::grade
