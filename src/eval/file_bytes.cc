#include "eval/file_bytes.h"

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <zlib.h>

#include "core/units.h"
#include "io/digest.h"
#include "io/mapped_file.h"

namespace retort::eval {
namespace {

enum class Wrapping : int { kZlib = 15, kGzip = 15 + 16 };  // zlib's window bits

struct EndInflate {
  void operator()(z_stream* stream) const {
    inflateEnd(stream);
    delete stream;
  }
};

Expected<std::string> inflate_all(std::string_view compressed, Wrapping wrapping, std::string_view what,
                                  std::uint64_t max_bytes) {
  auto fresh = std::make_unique<z_stream>();
  if (inflateInit2(fresh.get(), static_cast<int>(wrapping)) != Z_OK) {
    return fail(ErrorCode::kExhausted, "{}: cannot decompress: out of memory", what);
  }
  const std::unique_ptr<z_stream, EndInflate> stream(fresh.release());
  std::string content;
  std::array<char, 64 * 1024> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): written before it is read
  std::string_view rest = compressed;
  for (;;) {
    constexpr std::size_t kMost = std::numeric_limits<uInt>::max();
    const std::size_t given = std::min(rest.size(), kMost);
    // zlib does not write to its input; the cast is what ZLIB_CONST would spare.
    stream->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(rest.data()));
    stream->avail_in = static_cast<uInt>(given);
    stream->next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream->avail_out = static_cast<uInt>(buffer.size());
    const int result = inflate(stream.get(), Z_NO_FLUSH);
    rest.remove_prefix(given - stream->avail_in);
    const std::size_t made = buffer.size() - stream->avail_out;
    if (made > max_bytes - content.size()) {
      return fail(ErrorCode::kOutOfRange, "{}: decompresses to more than {}, which is the limit", what,
                  format_bytes(max_bytes));
    }
    content.append(buffer.data(), made);
    if (result == Z_STREAM_END) {
      if (rest.empty()) return content;
      if (wrapping == Wrapping::kZlib || inflateReset(stream.get()) != Z_OK) {
        return fail(ErrorCode::kCorrupt, "{}: {} bytes follow the end of the compressed data", what, rest.size());
      }
      continue;
    }
    if (result == Z_BUF_ERROR || (result == Z_OK && rest.empty() && made == 0)) {
      return fail(ErrorCode::kCorrupt, "{}: the compressed data is cut off; copy the file again", what);
    }
    if (result != Z_OK) {
      return fail(ErrorCode::kCorrupt, "{}: not valid compressed data: {}", what,
                  stream->msg ? stream->msg : "unknown error");
    }
  }
}

}  // namespace

bool looks_like_gzip(std::string_view bytes) { return bytes.size() >= 2 && bytes[0] == '\x1f' && bytes[1] == '\x8b'; }

Expected<std::string> gunzip(std::string_view compressed, std::string_view what, std::uint64_t max_bytes) {
  return inflate_all(compressed, Wrapping::kGzip, what, max_bytes);
}

Expected<std::string> inflate_zlib(std::string_view compressed, std::string_view what, std::uint64_t max_bytes) {
  return inflate_all(compressed, Wrapping::kZlib, what, max_bytes);
}

Expected<std::string> sha256_of(std::string_view bytes) {
  RETORT_TRY(Digest digest, Digest::sha256());
  digest.update(bytes);
  return digest.finish();
}

Expected<FileBytes> read_file_bytes(const std::filesystem::path& path, std::uint64_t max_bytes) {
  RETORT_TRY(const auto file, MappedFile::open(path));
  const std::string_view bytes = file->text();
  RETORT_TRY(std::string sha256, sha256_of(bytes));
  if (looks_like_gzip(bytes)) {
    RETORT_TRY(std::string content, gunzip(bytes, path.string(), max_bytes));
    return FileBytes{std::move(content), std::move(sha256)};
  }
  if (bytes.size() > max_bytes) {
    return fail(ErrorCode::kOutOfRange, "{}: has {}, more than the limit of {}", path.string(),
                format_bytes(bytes.size()), format_bytes(max_bytes));
  }
  return FileBytes{std::string(bytes), std::move(sha256)};
}

}  // namespace retort::eval
