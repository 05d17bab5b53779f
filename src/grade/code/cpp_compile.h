// Compiles C++ inside the sandbox: the compiler reads what judged code tells it to (#include "/etc/shadow"), and may be
// made to use any amount of time and memory.
#pragma once

#include <string>

#include "core/error.h"
#include "grade/code/sandbox.h"

namespace retort::grade {

struct CppSource {
  std::string source;
  /// A C file that is linked in front of it, or empty.
  std::string runner;
};

struct CppProgram {
  bool compiled = false;
  std::string binary;   ///< the program
  std::string message;  ///< what the compiler said, at most 4 KiB
  double wall_ms = 0;
};

/// C++17 with GNU extensions and -O2, as contest judges do; no warnings. kUnsupported: the sandbox was refused, or has
/// no compiler. Thread-safe.
Expected<CppProgram> compile_cpp(const CppSource& source, const Limits& limits, const SandboxTools& tools);

}  // namespace retort::grade
