// Whether a checkpoint is the one that weights were packed from.
//
// Caught when a packed file is used (kSampled): another model, another quantization of it, another length, anything
// changed in a header (names, shapes, types, metadata) or in config.json, and a change of the weights that touches one
// of kSampledPages pages spread over each file: a file made anew, a download with a hole of a 64th of it. Not caught:
// a change of a few weights in place, between those pages. kWhole catches that too, and reads everything.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/cancel.h"
#include "core/error.h"
#include "io/checkpoint.h"
#include "io/packed_header.h"

namespace retort {

inline constexpr std::uint64_t kSampledPages = 64;

enum class SourceCheck : std::uint8_t {
  kSampled,  ///< lengths, headers, and kSampledPages pages of 4 KiB of each file: milliseconds
  kWhole,    ///< and the sha256 of everything
};

/// Called with bytes done and in all, on the caller's thread.
using ByteProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

/// Reads every file whole. kCancelled if `cancel` says so.
Expected<std::vector<SourceFile>> identify_source(const Checkpoint& checkpoint, const ByteProgress& progress,
                                                  const CancelToken& cancel);

/// kCorrupt, naming the file and what differs, if `checkpoint` is not what `recorded` describes.
Status check_source(const std::vector<SourceFile>& recorded, const Checkpoint& checkpoint, SourceCheck check);

}  // namespace retort
