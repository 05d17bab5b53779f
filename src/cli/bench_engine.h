// The subcommands of retort bench that run the engine.
#pragma once

#include "cli/command_line.h"

namespace retort::cli {

/// Adds throughput and latency.
void add_bench_engine(Command bench);

}  // namespace retort::cli
