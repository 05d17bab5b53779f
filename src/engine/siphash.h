// A keyed hash: who does not know the key cannot make two inputs collide. That is what prompts of strangers need where
// their hashes decide whose keys and values are found.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace retort {

struct Hash128 {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend bool operator==(const Hash128&, const Hash128&) = default;
};

/// 128 bits, read as two little-endian words: bytes 0 to 7 are `low`.
using SipHashKey = std::array<std::uint64_t, 2>;

/// SipHash-2-4 with 128 bits of output (Aumasson and Bernstein, SipHash: a fast short-input PRF; INDOCRYPT 2012). The
/// same value on every machine.
Hash128 siphash128(std::span<const std::byte> data, const SipHashKey& key);

}  // namespace retort
