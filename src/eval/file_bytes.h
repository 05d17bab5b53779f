// A file's content, out of its gzip wrapping if it has one, and what its bytes hash to.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "core/error.h"

namespace retort::eval {

/// Nothing that an evaluation reads is larger, unless someone wants to fill the memory.
inline constexpr std::uint64_t kMaxContentBytes = std::uint64_t{2} << 30;

struct FileBytes {
  std::string content;  ///< decompressed
  std::string sha256;   ///< of the file as it lies on the disk, lower-case hexadecimal
};

/// kNotFound, kIo or kCorrupt, naming the path; kOutOfRange above `max_bytes` of content. Told by its first two bytes,
/// not by its name, whether it is gzip.
Expected<FileBytes> read_file_bytes(const std::filesystem::path& path, std::uint64_t max_bytes = kMaxContentBytes);

/// All members of a gzip file (RFC 1952), one behind the other. `what` begins the error.
Expected<std::string> gunzip(std::string_view compressed, std::string_view what,
                             std::uint64_t max_bytes = kMaxContentBytes);
/// A zlib stream (RFC 1950), which must end where `compressed` does.
Expected<std::string> inflate_zlib(std::string_view compressed, std::string_view what,
                                   std::uint64_t max_bytes = kMaxContentBytes);
bool looks_like_gzip(std::string_view bytes);

/// Of some bytes, lower-case hexadecimal. kUnsupported as Digest::sha256().
Expected<std::string> sha256_of(std::string_view bytes);

}  // namespace retort::eval
