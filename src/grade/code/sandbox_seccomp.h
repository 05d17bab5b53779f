// The system calls that judged code may not make, as a filter that bubblewrap installs.
#pragma once

#include <string>

#include "core/error.h"

namespace retort::grade {

/// A BPF program for `bwrap --seccomp`. What is refused answers EPERM (or ENOSYS where programs then take another way),
/// so that a program that only tries goes on and is judged by what it does. Calls that are newer than this list answer
/// ENOSYS. Made once; thread-safe. kUnsupported where libseccomp does not know this processor.
Expected<std::string> seccomp_filter();

}  // namespace retort::grade
