// A file on its way: bytes under a name that says so, hashed as they come, and its final name only when all is right.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"
#include "io/digest.h"

namespace retort {

/// Whoever has the lock on it has it alone. What was written stays when this is destroyed, to be gone on with.
class PartialFile {
 public:
  /// Opens or makes `path` and reads what it holds already, so as to hash it. `hash` is a sha256 or git's blob hash
  /// (checked in the end) or anything else (only the size is).
  static Expected<PartialFile> open(const std::filesystem::path& path, std::uint64_t size, std::string hash,
                                    const std::function<bool()>& stop);
  PartialFile(PartialFile&& other) noexcept;
  PartialFile& operator=(PartialFile&&) = delete;
  ~PartialFile();

  [[nodiscard]] std::uint64_t have() const { return have_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }

  /// kCorrupt if it becomes longer than it may; kIo naming needed and free bytes if the disk is full.
  Status append(std::string_view bytes);
  /// Throws away what it holds.
  Status restart();
  /// kCorrupt if the hash is another than promised. All bytes must be there; after this, restart() or publish().
  Status verify();
  /// Onto the disk, and to the name `place`.
  Status publish(const std::filesystem::path& place);
  /// Deletes it.
  void discard();

 private:
  PartialFile(std::filesystem::path path, int fd, std::uint64_t size, std::string hash);
  Status start_digest();
  Status hash_existing(const std::function<bool()>& stop);

  std::filesystem::path path_;
  int fd_;
  std::uint64_t size_;
  std::string hash_;
  std::uint64_t have_ = 0;
  std::optional<Digest> digest_;  // of the first have_ bytes
};

}  // namespace retort
