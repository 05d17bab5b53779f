// Content for a test's hub, and its names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace retort::testing {

/// As git and LFS name content.
std::string git_blob_hash(std::string_view content);
std::string sha256_hex(std::string_view content);

/// A gzip stream of `content`, not compressed.
std::string gzip_stored(std::string_view content);

/// `size` bytes that look random and depend on `seed`.
std::string made_bytes(std::size_t size, std::uint32_t seed);

}  // namespace retort::testing
