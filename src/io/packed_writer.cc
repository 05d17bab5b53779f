#include "io/packed_writer.h"

#include <algorithm>
#include <array>
#include <string>

#include "io/disk_space.h"

namespace retort {

namespace fs = std::filesystem;

Expected<PackedWriter> PackedWriter::create(const fs::path& path, PackedHeader header) {
  header.payload_bytes = 0;
  for (PackedTensor& tensor : header.tensors) {
    tensor.offset = header.payload_bytes;
    header.payload_bytes = packed_tensor_end(tensor.offset + tensor.bytes);
  }
  header.chunk_hashes.assign(
      static_cast<std::size_t>((header.payload_bytes + header.chunk_bytes - 1) / header.chunk_bytes), 0);
  // Hashes have one length: the header can be measured before they are known.
  for (SourceFile& file : header.source) {
    file.header_hash = file.sample_hash = file.whole_hash = std::string(64, '0');
  }
  header.payload_offset = packed_head(header).size();
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  RETORT_TRY_STATUS(check_free_space(folder, header.payload_offset + header.payload_bytes,
                                     "free some, or name a place on a larger disk with --output"));
  RETORT_TRY(OutputFile file, OutputFile::create(path));
  return PackedWriter(std::move(header), std::move(file));
}

Status PackedWriter::write(std::span<const std::byte> bytes) {
  RETORT_TRY_STATUS(file_.write_at(bytes.data(), bytes.size(), header_.payload_offset + written_));
  while (!bytes.empty()) {
    const std::uint64_t left = header_.chunk_bytes - written_ % header_.chunk_bytes;
    const auto part = bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(left, bytes.size())));
    hasher_.update(part);
    written_ += part.size();
    if (written_ % header_.chunk_bytes == 0 || written_ == header_.payload_bytes) {
      header_.chunk_hashes[static_cast<std::size_t>((written_ - 1) / header_.chunk_bytes)] = hasher_.take();
    }
    bytes = bytes.subspan(part.size());
  }
  return {};
}

Status PackedWriter::append(std::span<const std::byte> panels) {
  RETORT_CHECK(next_tensor_ < header_.tensors.size() && header_.tensors[next_tensor_].bytes == panels.size(),
               "tensor {} has {} bytes", next_tensor_, panels.size());
  ++next_tensor_;
  RETORT_TRY_STATUS(write(panels));
  constexpr std::array<std::byte, kPackedTensorAlignment> kZeros{};
  return write(std::span(kZeros).first(static_cast<std::size_t>(packed_tensor_end(written_) - written_)));
}

Status PackedWriter::finish(std::vector<SourceFile> source) {
  RETORT_CHECK(next_tensor_ == header_.tensors.size() && written_ == header_.payload_bytes, "{} of {} tensors",
               next_tensor_, header_.tensors.size());
  header_.source = std::move(source);
  const std::string head = packed_head(header_);
  RETORT_CHECK(head.size() == header_.payload_offset, "the header grew to {} bytes", head.size());
  RETORT_TRY_STATUS(file_.write_at(head.data(), head.size(), 0));
  return file_.finish();
}

}  // namespace retort
