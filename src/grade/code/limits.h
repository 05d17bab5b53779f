// What a run of judged code may use. Every field is a bound that holds for all of its processes together unless it says
// otherwise.
#pragma once

#include <cstdint>

#include "core/error.h"

namespace retort::grade {

struct Limits {
  std::int64_t cpu_ms = 6000;  ///< processor time, [1, 3,600,000]
  std::int64_t wall_ms = 0;    ///< time on the clock; 0: twice cpu_ms and a second, so that a busy machine judges alike
  std::int64_t memory_bytes = std::int64_t{1} << 30;  ///< resident memory and what lies in /tmp, [16 MiB, 1 TiB]
  std::int64_t output_bytes = 16 << 20;               ///< of standard output; standard error is cut at a part of it
  std::int64_t file_bytes = 64 << 20;                 ///< all files in /tmp together, and each file alone
  std::int64_t stack_bytes = 128 << 20;               ///< of each process
  int files = 4096;                                   ///< in /tmp
  int processes = 64;                                 ///< and threads
  int open_files = 256;                               ///< of each process

  friend bool operator==(const Limits&, const Limits&) = default;
};

/// wall_ms, or what its 0 stands for.
[[nodiscard]] std::int64_t wall_limit_ms(const Limits& limits);

/// kInvalidArgument that names the field that is out of its range.
Status check_limits(const Limits& limits);

}  // namespace retort::grade
