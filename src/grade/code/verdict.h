// What becomes of code that is judged.
#pragma once

#include <string_view>

namespace retort::grade {

/// In the order of what is told of several tests: the first that is not accepted.
enum class Verdict {
  kAccepted,
  kWrongAnswer,
  kRuntimeError,  ///< it raised, crashed, ended early, or wrote more than it may
  kTimeLimit,     ///< of the processor or of the clock
  kMemoryLimit,
  kCompileError,    ///< of C++, or Python that does not parse
  kSandboxRefused,  ///< nothing was run: there is no sandbox here
};

/// "accepted", "wrong answer", "runtime error", "time limit", "memory limit", "compile error", "sandbox refused".
std::string_view to_string(Verdict verdict);

}  // namespace retort::grade
