// Ctrl-C as a request: while a scope lives, SIGINT raises its token, and what runs stops at its next step.
#pragma once

#include <csignal>

#include "core/cancel.h"

namespace retort::cli {

/// One at a time in a process. A second Ctrl-C before the first was heeded ends the program as without the scope.
class InterruptScope {
 public:
  InterruptScope();
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

  [[nodiscard]] const CancelToken& token() const;

 private:
  struct sigaction before_ {};
};

}  // namespace retort::cli
