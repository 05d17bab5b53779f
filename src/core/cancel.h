// A flag that one thread (or a signal handler) raises and another looks at between steps of anything long.
#pragma once

#include <atomic>

#include "core/error.h"

namespace retort {

/// Thread-safe and async-signal-safe. Lives as long as whoever watches it.
class CancelToken {
 public:
  void cancel() { flag_.store(true, std::memory_order_relaxed); }
  void reset() { flag_.store(false, std::memory_order_relaxed); }
  [[nodiscard]] bool cancelled() const { return flag_.load(std::memory_order_relaxed); }
  /// kCancelled if it was raised.
  [[nodiscard]] Status check() const;

 private:
  std::atomic<bool> flag_{false};
  static_assert(std::atomic<bool>::is_always_lock_free);
};

}  // namespace retort
