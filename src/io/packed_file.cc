#include "io/packed_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "core/parallel.h"
#include "io/fast_hash.h"

namespace retort {

PackedFile::PackedFile(PackedFile&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), header_(std::move(other.header_)) {}

PackedFile::~PackedFile() {
  if (fd_ >= 0) ::close(fd_);
}

Expected<PackedFile> PackedFile::open(const std::filesystem::path& path) {
  PackedFile file(path, ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.fd_ < 0) {
    const int code = errno;
    return fail(code == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo, "{}: cannot open: {}", path.string(),
                std::strerror(code));
  }
  struct stat info {};
  if (fstat(file.fd_, &info) != 0 || !S_ISREG(info.st_mode)) {
    return fail(ErrorCode::kIo, "{}: not a regular file", path.string());
  }
  const auto file_bytes = static_cast<std::uint64_t>(info.st_size);
  std::vector<std::byte> head(static_cast<std::size_t>(std::min(file_bytes, kPackedPreambleBytes)));
  RETORT_TRY_STATUS(file.read_at(head.data(), head.size(), 0));
  RETORT_TRY(const std::uint64_t head_bytes, packed_head_bytes(head, file_bytes, path.string()));
  head.resize(static_cast<std::size_t>(head_bytes));
  RETORT_TRY_STATUS(file.read_at(head.data(), head.size(), 0));
  RETORT_TRY(file.header_, parse_packed_header(head, file_bytes, path.string()));
  return file;
}

Status PackedFile::read_at(std::byte* out, std::uint64_t bytes, std::uint64_t offset) const {
  while (bytes > 0) {
    const ssize_t got = pread(fd_, out, static_cast<std::size_t>(bytes), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(ErrorCode::kIo, "{}: cannot read: {}", path_.string(), std::strerror(errno));
    if (got == 0) {
      return fail(ErrorCode::kCorrupt, "{}: it ends at byte {}, {} too early: it was cut off while it was read",
                  path_.string(), offset, bytes);
    }
    out += got;
    bytes -= static_cast<std::uint64_t>(got);
    offset += static_cast<std::uint64_t>(got);
  }
  return {};
}

Status PackedFile::read_payload(std::byte* out) const {
  std::mutex mutex;
  std::int64_t failed_chunk = 0;  // the first one, whoever found his first
  std::optional<Error> error;
  const auto read_chunk = [&](std::int64_t index) -> Status {
    const std::uint64_t begin = static_cast<std::uint64_t>(index) * header_.chunk_bytes;
    const std::uint64_t bytes = std::min(header_.chunk_bytes, header_.payload_bytes - begin);
    RETORT_TRY_STATUS(read_at(out + begin, bytes, header_.payload_offset + begin));
    const std::uint64_t expected = header_.chunk_hashes[static_cast<std::size_t>(index)];
    const std::uint64_t found = fast_hash({out + begin, static_cast<std::size_t>(bytes)});
    if (found == expected) return {};
    return fail(ErrorCode::kCorrupt,
                "{}: the weights at bytes {} to {} are damaged: their hash is {:016x} but should be {:016x}; pack the "
                "model again (retort pack)",
                path_.string(), header_.payload_offset + begin, header_.payload_offset + begin + bytes, found,
                expected);
  };
  parallel_for(static_cast<std::int64_t>(header_.chunk_hashes.size()), 1, [&](WorkRange range) {
    for (std::int64_t i = range.begin; i < range.end; ++i) {
      auto status = read_chunk(i);
      if (status) continue;
      const std::lock_guard lock(mutex);
      if (!error || i < failed_chunk) {
        error = std::move(status).error();
        failed_chunk = i;
      }
    }
  });
  if (error) return fail(std::move(*error));
  return {};
}

}  // namespace retort
