#include "io/disk_space.h"

#include <cerrno>
#include <cstring>
#include <optional>
#include <sys/statvfs.h>

#include "core/units.h"

namespace retort {
namespace {

std::optional<std::uint64_t> free_bytes(const std::filesystem::path& path) {
  struct statvfs info {};
  if (statvfs(path.c_str(), &info) != 0) return std::nullopt;
  return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

}  // namespace

Status check_free_space(const std::filesystem::path& folder, std::uint64_t needed, std::string_view advice) {
  const auto free = free_bytes(folder);
  if (!free || *free >= needed) return {};
  return fail(ErrorCode::kIo, "not enough space below {}: {} ({} bytes) needed, {} ({} bytes) free; {}",
              folder.string(), format_bytes(needed), needed, format_bytes(*free), *free, advice);
}

Error write_error(const std::filesystem::path& path, std::uint64_t needed, int code, std::string_view advice) {
  if (code != ENOSPC && code != EDQUOT && code != EFBIG) {
    return {ErrorCode::kIo, fmt::format("{}: cannot write: {}", path.string(), std::strerror(code))};
  }
  const char* what = code == EDQUOT  ? "the disk quota is used up"
                     : code == EFBIG ? "the limit on file sizes is reached (see ulimit -f)"
                                     : "the disk is full";
  const std::uint64_t free = free_bytes(path.parent_path()).value_or(0);
  return {ErrorCode::kIo,
          fmt::format("{}: {}: {} ({} bytes) more needed for this file, {} ({} bytes) free; {}", path.string(), what,
                      format_bytes(needed), needed, format_bytes(free), free, advice)};
}

}  // namespace retort
