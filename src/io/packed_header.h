// What stands before the weights in a packed file, and what of it can be checked without reading them. docs/formats.md
// draws the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace retort {

/// Version of the container. What the panels of a format hold has a version of its own (PackedHeader::layout).
inline constexpr std::uint32_t kPackedFileVersion = 1;
inline constexpr std::uint64_t kPackedPreambleBytes = 32;
inline constexpr std::uint64_t kPackedPage = 4096;           ///< the payload begins at a multiple of it
inline constexpr std::uint64_t kPackedTensorAlignment = 64;  ///< of a tensor within the payload
inline constexpr std::uint64_t kPackedChunkBytes = std::uint64_t{4} << 20;

/// One packed matrix: where its panels lie.
struct PackedTensor {
  std::string name;    ///< "model.layers.0.mlp.up_proj.weight"
  std::string format;  ///< "P4K", as kernels/packed.h names it
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::uint64_t offset = 0;  ///< from the start of the payload
  std::uint64_t bytes = 0;
};

/// By what a file that weights were packed from is known again. Hashes are sha256 in lower-case hexadecimal.
struct SourceFile {
  std::string name;                ///< without folder; told to people, not compared: files may be renamed
  std::uint64_t bytes = 0;         ///< its length
  std::uint64_t header_bytes = 0;  ///< what comes before the first tensor
  std::string header_hash;
  std::string sample_hash;  ///< of pages spread over the file (packed_source.h)
  std::string whole_hash;
};

struct PackedHeader {
  std::string retort_version;  ///< of the program that wrote it; told, not compared
  std::int64_t layout = 0;     ///< kPackedLayoutVersion of the kernels
  std::vector<SourceFile> source;
  std::vector<PackedTensor> tensors;  ///< in the order of their offsets, next to each other but for the alignment
  std::uint64_t payload_offset = 0;   ///< in the file; the payload reaches to its end
  std::uint64_t payload_bytes = 0;
  std::uint64_t chunk_bytes = kPackedChunkBytes;
  std::vector<std::uint64_t> chunk_hashes;  ///< fast_hash of each chunk of the payload, the last one shorter
};

/// Rounded up to where the next tensor may begin.
constexpr std::uint64_t packed_tensor_end(std::uint64_t end) {
  return (end + kPackedTensorAlignment - 1) / kPackedTensorAlignment * kPackedTensorAlignment;
}

/// Length of preamble and header, from the first kPackedPreambleBytes of a file of `file_bytes`: also where the payload
/// begins. kCorrupt for what is no packed file or is cut off, kUnsupported for another version's; `what` begins errors.
Expected<std::uint64_t> packed_head_bytes(std::span<const std::byte> preamble, std::uint64_t file_bytes,
                                          std::string_view what);

/// From the first packed_head_bytes() of a file, or more. Everything is checked against the file's length and against
/// each other: when this returns, tensors tile the payload, the payload ends with the file, and there is a hash for
/// each chunk. (What the fuzzer drives.) It does not know formats: bytes against rows and columns is for the caller.
Expected<PackedHeader> parse_packed_header(std::span<const std::byte> head, std::uint64_t file_bytes,
                                           std::string_view what);

/// Preamble and header, filled up to a whole page; as long for one set of hashes as for another.
std::string packed_head(const PackedHeader& header);

}  // namespace retort
