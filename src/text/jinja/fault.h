// How the template interpreter fails inside: by an exception that chat_template.cc turns into an Error. Nothing of it
// leaves the module; a hundred small functions that can each fail at any operand would otherwise all return Expected.
#pragma once

#include <cstdint>
#include <fmt/format.h>
#include <string>
#include <utility>

#include "core/error.h"

namespace retort::jinja {

inline constexpr std::uint32_t kNoOffset = UINT32_MAX;

struct Fault {
  ErrorCode code = ErrorCode::kInvalidArgument;
  std::string message;
  std::uint32_t offset = kNoOffset;  ///< in bytes of the normalized source; kNoOffset: the interpreter knows
  bool from_template = false;        ///< raise_exception: the template's own words, given without a place
};

/// An operation that the values at hand do not allow.
template <typename... Args>
[[noreturn]] void fault(fmt::format_string<Args...> format, Args&&... args) {
  throw Fault{ErrorCode::kInvalidArgument, fmt::format(format, std::forward<Args>(args)...), kNoOffset, false};
}

/// A limit was reached.
template <typename... Args>
[[noreturn]] void exhausted(fmt::format_string<Args...> format, Args&&... args) {
  throw Fault{ErrorCode::kExhausted, fmt::format(format, std::forward<Args>(args)...), kNoOffset, false};
}

/// The source is not a template that can be read, at `offset`.
template <typename... Args>
[[noreturn]] void syntax_fault(std::uint32_t offset, fmt::format_string<Args...> format, Args&&... args) {
  throw Fault{ErrorCode::kCorrupt, fmt::format(format, std::forward<Args>(args)...), offset, false};
}

}  // namespace retort::jinja
