// A file that has its final name only once all of it is on the disk.
#pragma once

#include <cstdint>
#include <filesystem>

#include "core/error.h"

namespace retort {

/// Written under a temporary name beside the final one ("NAME.1a2b3c4d.tmp"), which goes with this object unless
/// finish() gave it its place. One thread at a time; errors are kIo and name the file.
class OutputFile {
 public:
  static Expected<OutputFile> create(const std::filesystem::path& final_path);
  ~OutputFile();
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;

  /// Behind what has been written.
  Status write(const void* data, std::uint64_t bytes);
  /// At a place, leaving where write() goes on as it is.
  Status write_at(const void* data, std::uint64_t bytes, std::uint64_t offset);
  /// Onto the disk, and to its name, in place of what had it.
  Status finish();

 private:
  OutputFile(std::filesystem::path final_path, std::filesystem::path path)
      : final_path_(std::move(final_path)), path_(std::move(path)) {}
  [[nodiscard]] Status failed(std::string_view action, int code) const;

  std::filesystem::path final_path_;
  std::filesystem::path path_;  // empty: nothing to take away
  int fd_ = -1;
  std::uint64_t end_ = 0;
};

}  // namespace retort
