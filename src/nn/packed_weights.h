// A model's packed matrices from a file and into one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "core/cancel.h"
#include "core/error.h"
#include "core/pages.h"
#include "io/checkpoint.h"
#include "io/packed_source.h"
#include "kernels/kernels.h"
#include "nn/packing.h"

namespace retort {

/// Reads the panels of all `linears` that have a packed format and points them there. The file must hold exactly those,
/// in this program's layout, and have been packed from `checkpoint`. On failure no linear has changed: kNotFound if
/// there is no such file, else an error that names it, what was expected, what was found and what to do.
Expected<Pages> read_packed_linears(const std::filesystem::path& path, const Checkpoint& checkpoint,
                                    std::span<const NamedLinear> linears, SourceCheck check);

struct PackResult {
  std::uint64_t tensors = 0;
  std::uint64_t source_bytes = 0;  ///< of the tensors, as the checkpoint has them
  std::uint64_t file_bytes = 0;    ///< of the packed file
};

/// Packs `checkpoint` into `path`, a tensor at a time, and replaces what had that name once all is on the disk.
/// `progress` counts bytes read for the source's identity and bytes packed. kUnsupported if no matrix has a packed
/// format; kCancelled if `cancel` says so, and then nothing is left behind.
Expected<PackResult> write_packed_file(const std::filesystem::path& path, const Checkpoint& checkpoint,
                                       const KernelTable& kernels, const ByteProgress& progress,
                                       const CancelToken& cancel);

/// Whether the file at `path` could be loaded for `checkpoint`: every byte of both is read.
Status check_packed_file(const std::filesystem::path& path, const Checkpoint& checkpoint, const KernelTable& kernels);

}  // namespace retort
