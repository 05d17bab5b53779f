#include "io/file_lock.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include "core/log.h"

namespace retort {
namespace {

// Whether the locked file is still the one that has the name: its last holder may have deleted it.
bool still_named(int fd, const std::filesystem::path& path) {
  struct stat held {};
  struct stat named {};
  return fstat(fd, &held) == 0 && stat(path.c_str(), &named) == 0 && held.st_dev == named.st_dev &&
         held.st_ino == named.st_ino;
}

}  // namespace

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

Expected<FileLock> FileLock::acquire(const std::filesystem::path& path, const std::function<bool()>& stop) {
  constexpr auto kPause = std::chrono::milliseconds(100);
  constexpr int kTellAfter = 20;  // pauses: two seconds
  for (int pauses = 0;; ++pauses) {
    // 0664, as the Python tools have it, so that people who share a cache can wait for each other.
    FileLock lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0664));
    if (lock.fd_ < 0) {
      return fail(ErrorCode::kIo, "{}: cannot open the lock file: {}", path.string(), std::strerror(errno));
    }
    if (flock(lock.fd_, LOCK_EX | LOCK_NB) == 0) {
      if (still_named(lock.fd_, path)) return lock;
      continue;
    }
    if (errno != EWOULDBLOCK && errno != EINTR) {
      return fail(ErrorCode::kIo, "{}: cannot lock: {}", path.string(), std::strerror(errno));
    }
    if (stop()) return fail(ErrorCode::kCancelled, "interrupted");
    if (pauses == kTellAfter) log(LogLevel::kInfo, "waiting for another process that is loading the same file");
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace retort
