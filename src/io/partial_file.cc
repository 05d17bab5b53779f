#include "io/partial_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "io/disk_space.h"
#include "io/hub_names.h"

namespace retort {
namespace fs = std::filesystem;

PartialFile::PartialFile(fs::path path, int fd, std::uint64_t size, std::string hash)
    : path_(std::move(path)), fd_(fd), size_(size), hash_(std::move(hash)) {}

PartialFile::PartialFile(PartialFile&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      size_(other.size_),
      hash_(std::move(other.hash_)),
      have_(other.have_),
      digest_(std::move(other.digest_)) {}

PartialFile::~PartialFile() {
  if (fd_ >= 0) ::close(fd_);
}

Expected<PartialFile> PartialFile::open(const fs::path& path, std::uint64_t size, std::string hash,
                                        const std::function<bool()>& stop) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
  if (fd < 0) return fail(ErrorCode::kIo, "{}: cannot open for writing: {}", path.string(), std::strerror(errno));
  PartialFile file(path, fd, size, std::move(hash));
  struct stat info {};
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    return fail(ErrorCode::kIo, "{}: not a regular file; remove it and pull again", path.string());
  }
  if (static_cast<std::uint64_t>(info.st_size) > size) {
    RETORT_TRY_STATUS(file.restart());
  } else {
    RETORT_TRY_STATUS(file.hash_existing(stop));
  }
  return file;
}

Status PartialFile::start_digest() {
  digest_.reset();
  if (is_sha256(hash_)) {
    RETORT_TRY(digest_, Digest::sha256());
  } else if (is_git_hash(hash_)) {
    RETORT_TRY(digest_, Digest::git_blob(size_));
  }
  return {};
}

Status PartialFile::hash_existing(const std::function<bool()>& stop) {
  RETORT_TRY_STATUS(start_digest());
  std::string buffer(std::size_t{1} << 20, '\0');
  while (!stop()) {
    const auto got = pread(fd_, buffer.data(), buffer.size(), static_cast<off_t>(have_));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(ErrorCode::kIo, "{}: cannot read: {}", path_.string(), std::strerror(errno));
    if (got == 0) return {};
    if (digest_) digest_->update({buffer.data(), static_cast<std::size_t>(got)});
    have_ += static_cast<std::uint64_t>(got);
  }
  return fail(ErrorCode::kCancelled, "interrupted");
}

Status PartialFile::append(std::string_view bytes) {
  if (bytes.size() > size_ - have_) {
    return fail(ErrorCode::kCorrupt, "the server sends more than the {} bytes that the hub says the file has", size_);
  }
  while (!bytes.empty()) {
    const auto put = pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(have_));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return fail(write_error(path_, size_ - have_, put < 0 ? errno : ENOSPC));
    const auto written = static_cast<std::size_t>(put);
    if (digest_) digest_->update(bytes.substr(0, written));
    have_ += written;
    bytes.remove_prefix(written);
  }
  return {};
}

Status PartialFile::restart() {
  have_ = 0;
  if (ftruncate(fd_, 0) != 0) {
    return fail(ErrorCode::kIo, "{}: cannot empty: {}", path_.string(), std::strerror(errno));
  }
  return start_digest();
}

Status PartialFile::verify() {
  RETORT_CHECK(have_ == size_);
  if (!digest_) return {};
  const std::string found = digest_->finish();
  digest_.reset();
  if (found == hash_) return {};
  return fail(ErrorCode::kCorrupt, "its {} is {} but the hub says {}", is_sha256(hash_) ? "sha256" : "git blob hash",
              found, hash_);
}

Status PartialFile::publish(const fs::path& place) {
  // First the content, then the name: after a power cut the name must not stand for zeros.
  if (fsync(fd_) != 0) return fail(write_error(path_, 0, errno));
  if (rename(path_.c_str(), place.c_str()) != 0) {
    return fail(ErrorCode::kIo, "{}: cannot rename to {}: {}", path_.string(), place.string(), std::strerror(errno));
  }
  return {};
}

void PartialFile::discard() { unlink(path_.c_str()); }

}  // namespace retort
