// A hash that keeps up with memory and finds what disks and cables break. It proves nothing against an adversary, who
// can make two contents with one hash: where that matters there is io/digest.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace retort {

/// XXH3, 64 bits, seed 0.
std::uint64_t fast_hash(std::span<const std::byte> bytes);

/// The same hash of bytes that come in parts. One thread at a time.
class FastHasher {
 public:
  FastHasher();
  void update(std::span<const std::byte> bytes);
  /// Of everything since the beginning or the last take(), and begins anew.
  [[nodiscard]] std::uint64_t take();

 private:
  struct Free {
    void operator()(void* state) const;
  };
  std::unique_ptr<void, Free> state_;  // XXH3_state_t
};

}  // namespace retort
