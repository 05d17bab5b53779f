// When to try again: growing pauses, a limit on failures in a row, and the server's own wish (Retry-After).
#pragma once

#include <functional>
#include <optional>
#include <random>

#include "core/error.h"
#include "io/http.h"
#include "io/hub.h"

namespace retort {

/// For one task on one thread.
class Retrier {
 public:
  Retrier(const HubPatience& patience, std::function<bool()> stop);

  /// Sleeps and returns fine if it is worth another try, else the error to end with. `what` is for the log.
  Status pause_after(HttpFailure failure, std::string_view what);
  /// Something came through: start counting anew.
  void progressed() { failures_ = 0; }

 private:
  HubPatience patience_;
  std::function<bool()> stop_;
  int failures_ = 0;
  std::minstd_rand random_;
};

}  // namespace retort
