// Writing a GGUF file (version 3): tensor after tensor, so that a model of any size needs the memory of a few rows, and
// so that a run that was ended goes on where it was.
//
//   OUT.partial          the file as it will be, up to the last tensor that is done
//   OUT.partial.journal  text: "retort-gguf-journal 1 HEADER JOB", then a line with the hash of each tensor done
//
// HEADER is the hash of all before the tensor data; JOB what the caller says of where the data come from. Going on, the
// journal's hashes are compared with the bytes that are there: whatever a power cut lost of either is written again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/tensor.h"
#include "io/fast_hash.h"
#include "io/gguf_pairs.h"

namespace retort {

inline constexpr std::uint64_t kGgufAlignment = 32;  ///< of tensor data; the format's default

struct GgufTensorPlan {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;  ///< outermost first; at most 4 dimensions
};

enum class ExistingFile { kRefuse, kReplace };

/// Whether a file can be written there, for asking before a long work: kInvalidArgument if it exists and is not to be
/// replaced, kIo if its folder is missing or closed. GgufWriter asks again.
Status check_output(const std::filesystem::path& path, ExistingFile existing);

/// One thread at a time. The file has its name once finish() has given it; until then what was written stays for the
/// next run, whatever ends this one.
class GgufWriter {
 public:
  /// `job` identifies what the tensors' bytes depend on besides the header: a partial file of another job, or of
  /// another header, is begun anew. kInvalidArgument if `path` exists and is not to be replaced, or a tensor has no
  /// GGUF type or no whole blocks; kIo if the folder has no room, cannot be written, or another process is at it.
  static Expected<GgufWriter> open(const std::filesystem::path& path, const GgufPairs& pairs,
                                   std::span<const GgufTensorPlan> tensors, std::uint64_t job, ExistingFile existing);
  GgufWriter(GgufWriter&& other) noexcept;
  GgufWriter& operator=(GgufWriter&&) = delete;
  ~GgufWriter();

  /// Tensors that are there already: begin with this one.
  [[nodiscard]] std::size_t next_tensor() const { return next_; }
  /// The whole file's.
  [[nodiscard]] std::uint64_t file_bytes() const { return file_bytes_; }
  /// So far.
  [[nodiscard]] std::uint64_t written_bytes() const { return at_; }

  /// More bytes of the next tensor, rows in their order; never beyond its end.
  Status append(std::span<const std::byte> bytes);
  /// After all tensors: brings the file onto the disk and gives it its name.
  Status finish();

 private:
  GgufWriter(std::filesystem::path path, ExistingFile existing);
  Status lay_out(const GgufPairs& pairs, std::span<const GgufTensorPlan> tensors);
  Status open_files();
  Status resume(std::uint64_t job);
  Status write_at(int fd, const std::filesystem::path& path, std::span<const std::byte> bytes, std::uint64_t offset);
  [[nodiscard]] Expected<bool> holds(std::uint64_t offset, std::uint64_t bytes, std::uint64_t hash) const;

  struct Extent {
    std::uint64_t offset = 0;  // in the file
    std::uint64_t bytes = 0;
  };
  std::filesystem::path path_;
  std::filesystem::path partial_;
  std::filesystem::path journal_;
  ExistingFile existing_;
  std::string header_;
  std::vector<Extent> extents_;
  std::uint64_t file_bytes_ = 0;
  int fd_ = -1;
  int journal_fd_ = -1;
  std::uint64_t journal_bytes_ = 0;
  std::size_t next_ = 0;
  std::uint64_t at_ = 0;  // where the next byte goes
  FastHasher hasher_;     // of the tensor that is being written
};

}  // namespace retort
