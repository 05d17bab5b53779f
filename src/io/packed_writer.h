// Writing a packed file: tensors one after another, so that a model of any size needs the memory of one of them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

#include "core/error.h"
#include "io/fast_hash.h"
#include "io/output_file.h"
#include "io/packed_header.h"

namespace retort {

/// One thread at a time. Until finish() the file has a temporary name, and goes if it is not called.
class PackedWriter {
 public:
  /// `header` brings layout, version, tensors (offsets and payload_bytes are set here) and as many entries of `source`
  /// as finish() will give, their names and lengths included.
  /// kIo if the folder has no room for it.
  static Expected<PackedWriter> create(const std::filesystem::path& path, PackedHeader header);

  [[nodiscard]] const PackedHeader& header() const { return header_; }
  /// The whole file's.
  [[nodiscard]] std::uint64_t file_bytes() const { return header_.payload_offset + header_.payload_bytes; }

  /// The panels of the next tensor.
  Status append(std::span<const std::byte> panels);
  /// After all tensors: writes the header, brings the file onto the disk and gives it its name.
  Status finish(std::vector<SourceFile> source);

 private:
  PackedWriter(PackedHeader header, OutputFile file) : header_(std::move(header)), file_(std::move(file)) {}
  Status write(std::span<const std::byte> bytes);

  PackedHeader header_;
  OutputFile file_;
  FastHasher hasher_;
  std::size_t next_tensor_ = 0;
  std::uint64_t written_ = 0;  // of the payload
};

}  // namespace retort
