#include "grade/code/limits.h"

#include <string_view>

namespace retort::grade {
namespace {

constexpr std::int64_t kMiB = std::int64_t{1} << 20;
constexpr std::int64_t kTiB = std::int64_t{1} << 40;

Status check_limit(std::string_view name, std::int64_t value, std::int64_t least, std::int64_t most) {
  if (value >= least && value <= most) return {};
  return fail(ErrorCode::kInvalidArgument, "limit {}: expected a number from {} to {} but found {}", name, least, most,
              value);
}

}  // namespace

std::int64_t wall_limit_ms(const Limits& limits) {
  return limits.wall_ms > 0 ? limits.wall_ms : 2 * limits.cpu_ms + 1000;
}

Status check_limits(const Limits& limits) {
  RETORT_TRY_STATUS(check_limit("cpu_ms", limits.cpu_ms, 1, 3'600'000));
  RETORT_TRY_STATUS(check_limit("wall_ms", limits.wall_ms, 0, 36'000'000));
  RETORT_TRY_STATUS(check_limit("memory_bytes", limits.memory_bytes, 16 * kMiB, kTiB));
  RETORT_TRY_STATUS(check_limit("output_bytes", limits.output_bytes, 1, 1024 * kMiB));
  RETORT_TRY_STATUS(check_limit("file_bytes", limits.file_bytes, 1 * kMiB, kTiB));
  RETORT_TRY_STATUS(check_limit("stack_bytes", limits.stack_bytes, 1 * kMiB, kTiB));
  RETORT_TRY_STATUS(check_limit("files", limits.files, 16, 10'000'000));
  RETORT_TRY_STATUS(check_limit("processes", limits.processes, 1, 32'768));
  RETORT_TRY_STATUS(check_limit("open_files", limits.open_files, 16, 65'536));
  return {};
}

}  // namespace retort::grade
