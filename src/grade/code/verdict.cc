#include "grade/code/verdict.h"

namespace retort::grade {

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kAccepted:
      return "accepted";
    case Verdict::kWrongAnswer:
      return "wrong answer";
    case Verdict::kRuntimeError:
      return "runtime error";
    case Verdict::kTimeLimit:
      return "time limit";
    case Verdict::kMemoryLimit:
      return "memory limit";
    case Verdict::kCompileError:
      return "compile error";
    case Verdict::kSandboxRefused:
      return "sandbox refused";
  }
  return "unknown";
}

}  // namespace retort::grade
