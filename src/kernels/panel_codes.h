// The codes of one row in a group of a panel (kernels/packed.h), put and taken.
#pragma once

#include <cstdint>
#include <cstring>

namespace retort {

inline std::uint32_t load_word(const std::uint8_t* p) {
  std::uint32_t word;
  std::memcpy(&word, p, sizeof(word));
  return word;
}
inline void store_word(std::uint8_t* p, std::uint32_t word) { std::memcpy(p, &word, sizeof(word)); }

/// 32 codes of one row into a group: `bits` of 4 to 6, or whole bytes.
inline void put_codes(const std::uint8_t* q, int bits, int row, std::uint8_t* group) {
  std::uint8_t* lane = group + 4 * row;
  if (bits == 8) {
    for (int v = 0; v < 8; ++v) std::memcpy(lane + 64 * v, q + 4 * v, 4);
    return;
  }
  std::uint32_t fifth = 0;
  std::uint32_t pairs[2] = {};
  for (int v = 0; v < 8; ++v) {
    const std::uint32_t word = load_word(q + 4 * v);
    const std::uint32_t nibble = (word & 0x0f0f0f0fu) << (4 * (v % 2));
    store_word(lane + 64 * (v / 2), v % 2 == 0 ? nibble : load_word(lane + 64 * (v / 2)) | nibble);
    fifth |= ((word >> 4) & 0x01010101u) << v;
    pairs[v / 4] |= ((word >> 4) & 0x03030303u) << (2 * (v % 4));
  }
  if (bits == 5) store_word(lane + 256, fifth);
  if (bits == 6) {
    store_word(lane + 256, pairs[0]);
    store_word(lane + 320, pairs[1]);
  }
}

/// What put_codes() put.
inline void get_codes(const std::uint8_t* group, int bits, int row, std::uint8_t* q) {
  const std::uint8_t* lane = group + 4 * row;
  for (int v = 0; v < 8; ++v) {
    if (bits == 8) {
      std::memcpy(q + 4 * v, lane + 64 * v, 4);
      continue;
    }
    std::uint32_t word = (load_word(lane + 64 * (v / 2)) >> (4 * (v % 2))) & 0x0f0f0f0fu;
    if (bits == 5) word |= ((load_word(lane + 256) >> v) & 0x01010101u) << 4;
    if (bits == 6) word |= ((load_word(lane + 256 + 64 * (v / 4)) >> (2 * (v % 4))) & 0x03030303u) << 4;
    store_word(q + 4 * v, word);
  }
}

}  // namespace retort
