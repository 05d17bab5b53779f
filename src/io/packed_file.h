// Reading a packed file: a model's matrices in the layout that integer kernels multiply, ready to be read into memory.
// docs/formats.md draws it.
#pragma once

#include <filesystem>

#include "core/error.h"
#include "io/packed_header.h"

namespace retort {

/// Movable. Nothing in it is trusted: the header is checked when it is opened, the weights as they are read.
class PackedFile {
 public:
  /// Reads and checks the header. Regular files only. kNotFound, kIo, kCorrupt or kUnsupported, naming the file.
  static Expected<PackedFile> open(const std::filesystem::path& path);
  ~PackedFile();
  PackedFile(PackedFile&& other) noexcept;
  PackedFile& operator=(PackedFile&&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] const PackedHeader& header() const { return header_; }

  /// All threads read chunks into `out` [header().payload_bytes] and hash them while they lie in the cache. Not
  /// mapped: pages of a file are 4 KiB. kCorrupt, naming the first damaged chunk; what is in `out` is then not to be
  /// used.
  Status read_payload(std::byte* out) const;

 private:
  PackedFile(std::filesystem::path path, int fd) : path_(std::move(path)), fd_(fd) {}
  Status read_at(std::byte* out, std::uint64_t bytes, std::uint64_t offset) const;

  std::filesystem::path path_;
  int fd_;
  PackedHeader header_;
};

}  // namespace retort
