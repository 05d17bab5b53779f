// A lock between processes (and threads), the kind that the Python tools take on the same files.
#pragma once

#include <filesystem>
#include <functional>

#include "core/error.h"

namespace retort {

/// Held until destroyed; freed by the kernel if the process dies. The file stays behind, empty.
class FileLock {
 public:
  /// Waits for whoever has it, asking `stop` ten times a second (kCancelled when true). Works on a file that others
  /// delete on release, too.
  static Expected<FileLock> acquire(const std::filesystem::path& path, const std::function<bool()>& stop);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace retort
