// Starts a program with exactly the descriptors that it is given, without this program's environment, and without its
// privileges where it runs as root.
#pragma once

#include <span>
#include <string>
#include <sys/types.h>
#include <vector>

#include "core/error.h"

namespace retort::grade {

/// Whom root's sandboxes run as: nobody.
inline constexpr unsigned kUnprivilegedId = 65534;

/// In a process that has just been forked: becomes kUnprivilegedId where it is root. False where that is refused.
bool leave_root();

/// `fds[i]` becomes the program's descriptor i (-1: closed); every other one is closed. kIo where there is no process
/// to be had; a program that cannot be started exits with kCannotStart.
inline constexpr int kCannotStart = 126;
Expected<pid_t> start_program(const std::vector<std::string>& argv, std::span<const int> fds);

}  // namespace retort::grade
