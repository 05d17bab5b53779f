#include "engine/siphash.h"

#include <bit>

namespace retort {
namespace {

struct State {
  std::uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1, v2 += v3;
    v1 = std::rotl(v1, 13) ^ v0, v3 = std::rotl(v3, 16) ^ v2;
    v0 = std::rotl(v0, 32);
    v2 += v1, v0 += v3;
    v1 = std::rotl(v1, 17) ^ v2, v3 = std::rotl(v3, 21) ^ v0;
    v2 = std::rotl(v2, 32);
  }
  void rounds(int n) {
    for (int i = 0; i < n; ++i) round();
  }
  void absorb(std::uint64_t word) {
    v3 ^= word;
    rounds(2);
    v0 ^= word;
  }
  [[nodiscard]] std::uint64_t folded() const { return v0 ^ v1 ^ v2 ^ v3; }
};

// Up to eight bytes as a little-endian number.
std::uint64_t read_word(std::span<const std::byte> bytes) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) word |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  return word;
}

}  // namespace

Hash128 siphash128(std::span<const std::byte> data, const SipHashKey& key) {
  // "somepseudorandomlygeneratedbytes"; 0xEE tells the 128-bit variant from the one of 64 bits.
  State state{key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d ^ 0xEE, key[0] ^ 0x6c7967656e657261,
              key[1] ^ 0x7465646279746573};
  const std::size_t whole = data.size() / 8 * 8;
  for (std::size_t i = 0; i < whole; i += 8) state.absorb(read_word(data.subspan(i, 8)));
  state.absorb(read_word(data.subspan(whole)) | std::uint64_t{data.size()} << 56);
  state.v2 ^= 0xEE;
  state.rounds(4);
  Hash128 hash;
  hash.low = state.folded();
  state.v1 ^= 0xDD;
  state.rounds(4);
  hash.high = state.folded();
  return hash;
}

}  // namespace retort
