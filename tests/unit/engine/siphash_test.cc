#include "engine/siphash.h"

#include <gtest/gtest.h>
#include <vector>

namespace retort {
namespace {

// The published vectors: key 00 01 ... 0f, message 00 01 ... of the length.
TEST(SipHash, AgreesWithThePublishedVectors) {
  const SipHashKey key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
  const Hash128 expected[] = {{0xe6a825ba047f81a3, 0x930255c71472f66d},   // no bytes
                              {0x44af996bd8c187da, 0x45fc229b11597634},   // 00
                              {0xc75da4a48d227781, 0xe4ff0af6de8ba3fc}};  // 00 01
  std::vector<std::byte> message;
  for (const Hash128& hash : expected) {
    EXPECT_EQ(siphash128(message, key), hash) << message.size() << " bytes";
    message.push_back(static_cast<std::byte>(message.size()));
  }
}

TEST(SipHash, EveryByteLengthAndKeyCounts) {
  const SipHashKey key = {1, 2};
  std::vector<std::byte> message(40);
  const Hash128 before = siphash128(message, key);
  for (std::byte& byte : message) {
    byte = std::byte{1};
    EXPECT_NE(siphash128(message, key), before);
    byte = std::byte{0};
  }
  EXPECT_NE(siphash128(std::span(message).first(39), key), before);
  EXPECT_NE(siphash128(message, {1, 3}), before);
  EXPECT_NE(siphash128(message, {0, 2}), before);
}

}  // namespace
}  // namespace retort
