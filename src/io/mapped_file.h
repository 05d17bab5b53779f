// A file's bytes, mapped read-only.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>

#include "core/error.h"

namespace retort {

/// Shared by everything that points into it; unmapped with the last owner. A file that shrinks while mapped raises
/// SIGBUS on access, which no check here can prevent: model files are not to be edited while in use.
class MappedFile {
 public:
  /// Regular files only; an empty file maps to an empty span. kNotFound or kIo, naming the path.
  static Expected<std::shared_ptr<const MappedFile>> open(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }
  [[nodiscard]] std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  /// Takes the whole pages of `part` out of this process' memory; nothing is lost, and who reads them again gets them
  /// again from the file. Nothing happens to bytes that are not this file's. Thread-safe.
  void give_back(std::span<const std::byte> part) const;

 private:
  MappedFile(std::filesystem::path path, const std::byte* data, std::size_t size);
  std::filesystem::path path_;
  const std::byte* data_;
  std::size_t size_;
};

}  // namespace retort
