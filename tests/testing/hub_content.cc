#include "testing/hub_content.h"

#include <algorithm>
#include <array>
#include <openssl/evp.h>
#include <random>

#include "core/error.h"

namespace retort::testing {
namespace {

// Not by the code under test.
std::string hex_digest(const EVP_MD* kind, std::string_view content) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int length = 0;
  RETORT_CHECK(EVP_Digest(content.data(), content.size(), bytes.data(), &length, kind, nullptr) == 1);
  std::string text;
  for (unsigned int i = 0; i < length; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

std::string little_endian(std::uint32_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xff);
  return text;
}

std::uint32_t crc32(std::string_view content) {
  std::uint32_t crc = ~0U;
  for (const char c : content) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0U);
  }
  return ~crc;
}

}  // namespace

std::string git_blob_hash(std::string_view content) {
  std::string whole = fmt::format("blob {}", content.size());
  whole += '\0';
  whole += content;
  return hex_digest(EVP_sha1(), whole);
}

std::string sha256_hex(std::string_view content) { return hex_digest(EVP_sha256(), content); }

std::string gzip_stored(std::string_view content) {
  std::string stream("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
  std::string_view rest = content;
  do {
    const std::string_view block = rest.substr(0, 65535);  // a stored block's length has 16 bits
    rest.remove_prefix(block.size());
    const auto length = static_cast<std::uint32_t>(block.size());
    stream += rest.empty() ? '\1' : '\0';
    stream += little_endian(length, 2) + little_endian(~length, 2);
    stream += block;
  } while (!rest.empty());
  return stream + little_endian(crc32(content), 4) + little_endian(static_cast<std::uint32_t>(content.size()), 4);
}

std::string made_bytes(std::size_t size, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<char>(random() >> 24); });
  return bytes;
}

}  // namespace retort::testing
