#include "io/output_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <random>
#include <unistd.h>
#include <utility>

namespace retort {

namespace fs = std::filesystem;

Expected<OutputFile> OutputFile::create(const fs::path& final_path) {
  OutputFile file(final_path, final_path.string() + fmt::format(".{:08x}.tmp", std::random_device()()));
  file.fd_ = ::open(file.path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file.fd_ >= 0) return file;
  auto error = file.failed("create", errno);
  file.path_.clear();  // not ours
  return fail(std::move(error).error());
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : final_path_(std::move(other.final_path_)),
      path_(std::exchange(other.path_, {})),
      fd_(std::exchange(other.fd_, -1)),
      end_(other.end_) {}

OutputFile::~OutputFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!path_.empty()) ::unlink(path_.c_str());
}

Status OutputFile::write(const void* data, std::uint64_t bytes) {
  RETORT_TRY_STATUS(write_at(data, bytes, end_));
  end_ += bytes;
  return {};
}

Status OutputFile::write_at(const void* data, std::uint64_t bytes, std::uint64_t offset) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 30;  // the system takes less than 2 GiB at once
  const auto* next = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t written =
        ::pwrite(fd_, next, static_cast<std::size_t>(std::min(bytes, kMost)), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return failed("write", written < 0 ? errno : ENOSPC);
    next += written;
    bytes -= static_cast<std::uint64_t>(written);
    offset += static_cast<std::uint64_t>(written);
  }
  return {};
}

Status OutputFile::finish() {
  // First the content, then the name: after a power cut the name must not stand for zeros.
  if (::fsync(fd_) != 0) return failed("sync", errno);
  const int closed = ::close(std::exchange(fd_, -1));
  if (closed != 0) return failed("close", errno);
  if (::rename(path_.c_str(), final_path_.c_str()) != 0) return failed("rename", errno);
  path_.clear();
  return {};
}

Status OutputFile::failed(std::string_view action, int code) const {
  return fail(ErrorCode::kIo, "{}: cannot {}: {}", path_.string(), action, std::strerror(code));
}

}  // namespace retort
