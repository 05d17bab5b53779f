// Room on the disk, asked for before and named when it runs out.
#pragma once

#include <cstdint>
#include <filesystem>

#include "core/error.h"

namespace retort {

/// kIo, with both numbers and what to do, if fewer than `needed` bytes are free below `folder`. Fine if the system
/// does not say.
Status check_free_space(const std::filesystem::path& folder, std::uint64_t needed);

/// The error for a write to `path` that failed with `code` (errno) and `needed` bytes still to come: tells a full disk
/// from other trouble.
Error write_error(const std::filesystem::path& path, std::uint64_t needed, int code);

}  // namespace retort
