// The command line that makes bubblewrap build the sandbox.
#pragma once

#include <string>
#include <vector>

#include "grade/code/sandbox.h"

namespace retort::grade {

/// File descriptors of the bwrap process. The first three, and the messages where `talks`, reach the command.
inline constexpr int kMessageFd = 3;    ///< a socket to the parent
inline constexpr int kFilterFd = 4;     ///< the system call filter
inline constexpr int kStatusFd = 5;     ///< bwrap writes its child's id and exit code here, as JSON
inline constexpr int kBlockFd = 6;      ///< the command starts when a byte comes
inline constexpr int kFirstFileFd = 7;  ///< then one for each of the command's files

/// bwrap's argv. kInvalidArgument for a path that is not absolute or leads out of its place.
Expected<std::vector<std::string>> bwrap_arguments(const SandboxCommand& command, const SandboxTools& tools);

}  // namespace retort::grade
