// Fetching the next block of the KV cache while this one is worked on.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/simd/compiler.h"

namespace retort {
namespace {

/// Asks L2 for `bytes` from `next` on (null: for nothing), spread evenly over `steps` calls of step(): in a burst they
/// would fill the core's buffers for what is under way, and this block's own loads would wait behind them.
class Fetcher {
 public:
  Fetcher(const std::byte* next, std::int64_t bytes, std::int64_t steps)
      : next_(next), gain_(next == nullptr ? 0 : bytes * 16 / steps + 1) {}
  RETORT_INLINE void step() {
    credit_ += gain_;
    while (credit_ >= 64 * 16) {
      __builtin_prefetch(next_, 0, 2);
      next_ += 64;
      credit_ -= 64 * 16;
    }
  }

 private:
  const std::byte* next_;
  std::int64_t gain_;  // sixteenths of a byte per step
  std::int64_t credit_ = 0;
};

}  // namespace
}  // namespace retort
