// Room on the disk, asked for before and named when it runs out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "core/error.h"

namespace retort {

/// What a person who pulls can do.
inline constexpr std::string_view kPullSpaceAdvice =
    "free some, or name a folder on a larger disk in HF_HOME, and pull again: what has come is kept";

/// kIo, with both numbers and what to do (`advice`), if fewer than `needed` bytes are free below `folder`. Fine if the
/// system does not say.
Status check_free_space(const std::filesystem::path& folder, std::uint64_t needed,
                        std::string_view advice = kPullSpaceAdvice);

/// The error for a write to `path` that failed with `code` (errno) and `needed` bytes still to come: tells a full disk
/// from other trouble.
Error write_error(const std::filesystem::path& path, std::uint64_t needed, int code,
                  std::string_view advice = kPullSpaceAdvice);

}  // namespace retort
