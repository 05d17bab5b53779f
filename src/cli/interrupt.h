// Ctrl-C as a request: while a scope lives, SIGINT raises its token, and what runs stops at its next step.
#pragma once

#include <csignal>

#include "core/cancel.h"

namespace retort::cli {

/// What a second Ctrl-C does before the first was heeded.
enum class SecondInterrupt {
  kEndProgram,  ///< as without the scope
  kIgnore,
};

/// One at a time in a process.
class InterruptScope {
 public:
  explicit InterruptScope(SecondInterrupt second = SecondInterrupt::kEndProgram);
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

  [[nodiscard]] const CancelToken& token() const;
  /// Lowers the flag: what comes next is not to be stopped by what came before.
  void reset();

 private:
  struct sigaction before_ {};
};

}  // namespace retort::cli
