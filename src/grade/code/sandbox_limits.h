// What a sandbox is made of besides its running: the ends of its pipes, its start, and the kernel's limits.
#pragma once

#include <string_view>
#include <sys/types.h>
#include <vector>

#include "core/error.h"
#include "grade/code/owned_fd.h"
#include "grade/code/sandbox.h"

namespace retort::grade {

struct SandboxEnds {
  OwnedFd input, output, error, messages, status, block;  ///< ours; none of them waits
  std::vector<OwnedFd> for_child;                         ///< in the order of the child's descriptors
};
Expected<SandboxEnds> open_sandbox_ends(const SandboxCommand& command);

/// Starts bwrap with ends.for_child.
Expected<pid_t> spawn_bwrap(const SandboxCommand& command, const SandboxTools& tools, const SandboxEnds& ends);

/// For a process that has not started its command yet, from outside: within its own user namespace its processes are
/// counted from 1.
Status set_kernel_limits(pid_t process, const Limits& limits);

/// The error of a sandbox that could not be built; `said` is what bwrap wrote.
Error refusal(std::string_view said);

}  // namespace retort::grade
