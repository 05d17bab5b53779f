#include "core/log.h"

#include <array>
#include <atomic>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace retort {
namespace {

std::atomic<LogLevel> current_level{LogLevel::kInfo};

constexpr std::array<std::pair<std::string_view, LogLevel>, 6> kWords = {{{"trace", LogLevel::kTrace},
                                                                          {"debug", LogLevel::kDebug},
                                                                          {"info", LogLevel::kInfo},
                                                                          {"warn", LogLevel::kWarn},
                                                                          {"error", LogLevel::kError},
                                                                          {"off", LogLevel::kOff}}};

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace:
      return spdlog::level::trace;
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = std::make_shared<spdlog::logger>("retort", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    made->set_level(spdlog::level::trace);  // log() filters
    made->set_pattern("%^%L%$ %T.%e %v");
    return made;
  }();
  return *instance;
}

}  // namespace

void set_log_level(LogLevel level) { current_level.store(level, std::memory_order_relaxed); }

LogLevel log_level() { return current_level.load(std::memory_order_relaxed); }

Expected<LogLevel> parse_log_level(std::string_view word) {
  for (const auto& [name, level] : kWords) {
    if (name == word) return level;
  }
  return fail(ErrorCode::kInvalidArgument, "log level '{}' is not one of trace, debug, info, warn, error, off", word);
}

namespace detail {
void log_line(LogLevel level, std::string_view message) { logger().log(to_spdlog(level), "{}", message); }
}  // namespace detail

}  // namespace retort
