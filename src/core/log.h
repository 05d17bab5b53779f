// Logging facade: everything goes to standard error, so that standard output stays what a command was asked for.
// RETORT_LOG_LEVEL or --log-level chooses trace, debug, info, warn, error or off. Libraries log; they never print.
#pragma once

#include <fmt/format.h>
#include <string_view>
#include <utility>

#include "core/error.h"

namespace retort {

enum class LogLevel { kTrace, kDebug, kInfo, kWarn, kError, kOff };

/// Not thread-safe against running log calls of other threads: set it at start.
void set_log_level(LogLevel level);
LogLevel log_level();
/// "info" and so on; kInvalidArgument, naming the choices, for any other word.
Expected<LogLevel> parse_log_level(std::string_view word);

namespace detail {
void log_line(LogLevel level, std::string_view message);
}

/// Thread-safe. log(LogLevel::kInfo, "loaded {} in {}", path, seconds)
template <typename... Args>
void log(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  if (level < log_level()) return;
  detail::log_line(level, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace retort
