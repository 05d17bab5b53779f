// Hashing of short byte strings and of pairs, keyed, so that a file cannot be made to collide.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace retort {

/// The 128-bit product folded to 64 bits: every output bit depends on every input bit.
inline std::uint64_t fold_multiply(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// A process-wide random key (constant while the process lives).
std::uint64_t hash_key();

// Odd constants with no structure: the fractional digits of sqrt(2), sqrt(3).
inline constexpr std::uint64_t kHashMix1 = 0x6A09'E667'F3BC'C909;
inline constexpr std::uint64_t kHashMix2 = 0xBB67'AE85'84CA'A73B;

inline std::uint64_t hash_bytes(const char* data, std::size_t size, std::uint64_t key) {
  std::uint64_t hash = key ^ size * kHashMix1;
  std::uint64_t word = 0;
  for (; size > 8; data += 8, size -= 8) {
    std::memcpy(&word, data, 8);
    hash = fold_multiply(hash ^ word, kHashMix1);
  }
  // The last 1..8 bytes, without reading beyond them and without a loop.
  if (size >= 4) {
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    std::memcpy(&low, data, 4);
    std::memcpy(&high, data + size - 4, 4);
    word = static_cast<std::uint64_t>(high) << 32 | low;
  } else if (size > 0) {
    const auto at = [&](std::size_t i) { return static_cast<std::uint64_t>(static_cast<std::uint8_t>(data[i])); };
    word = at(0) | at(size / 2) << 8 | at(size - 1) << 16;
  } else {
    word = 0;
  }
  return fold_multiply(hash ^ word, kHashMix2 ^ key);
}

}  // namespace retort
