// What every result must name: the processor and the instruction set that ran.
#pragma once

#include <benchmark/benchmark.h>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "kernels/dispatch.h"

namespace retort::bench {

/// The table that RETORT_ISA asks for, else the best one. Ends the program where it cannot run: a benchmark of
/// something else than what was asked for is worse than none.
inline const KernelTable& kernels() {
  static const KernelTable& table = []() -> const KernelTable& {
    const auto found = default_kernel_table();
    if (!found) {
      std::fprintf(stderr, "%s\n", found.error().message().c_str());
      std::exit(1);
    }
    return **found;
  }();
  return table;
}

/// Puts processor and ISA into the header of the report. Call once before the benchmarks run.
inline bool name_machine() {
  benchmark::AddCustomContext("processor", cpu_name());
  benchmark::AddCustomContext("isa", kernels().name);
  return true;
}

}  // namespace retort::bench
