// How things fail here.
//
// What can go wrong with a file, a request, a network or a person's input is an Error value, returned in an
// Expected<T>; nothing throws across a module's border, and a library never prints, aborts or exits. What can only
// go wrong through a mistake in this program hits RETORT_CHECK and stops it.
//
// A message names the thing, what was expected, what was found and what to do:
//   "model.safetensors: tensor 'lm_head.weight': data_offsets end at 4096 but the file has 2048 bytes of data; the
//    file is truncated, download it again"
#pragma once

#include <fmt/format.h>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace retort {

enum class ErrorCode {
  kInvalidArgument,  ///< the caller or the person asked for something that makes no sense
  kNotFound,         ///< no such file, tensor, model, token
  kIo,               ///< the operating system refused: permission, disk full, short read
  kCorrupt,          ///< a file or message is not what its format says
  kUnsupported,      ///< well-formed, but not something retort does
  kOutOfRange,       ///< longer than the context, deeper than the limit
  kExhausted,        ///< memory, steps or time ran out
  kCancelled,        ///< someone asked to stop
  kNetwork,          ///< the other side did not answer as it should
};

/// "invalid argument", "not found", ...
std::string_view to_string(ErrorCode code);

class [[nodiscard]] Error {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

  [[nodiscard]] ErrorCode code() const { return code_; }
  [[nodiscard]] const std::string& message() const { return message_; }

  /// Puts `context` and ": " before the message: a caller adds the file or field that it knows of.
  Error within(std::string_view context) &&;

 private:
  ErrorCode code_;
  std::string message_;
};

template <typename T>
using Expected = tl::expected<T, Error>;
using Status = Expected<void>;

/// return fail(ErrorCode::kCorrupt, "{}: expected {} but found {}", path, want, got);
template <typename... Args>
[[nodiscard]] tl::unexpected<Error> fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  return tl::unexpected<Error>(Error(code, fmt::format(format, std::forward<Args>(args)...)));
}

[[nodiscard]] inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

namespace detail {
[[noreturn]] void check_failed(const char* file, int line, const char* condition, const std::string& message);
}  // namespace detail

}  // namespace retort

#define RETORT_CONCAT_INNER(a, b) a##b
#define RETORT_CONCAT(a, b) RETORT_CONCAT_INNER(a, b)

/// RETORT_TRY(auto config, read_config(path));   declares config, or returns the error.
#define RETORT_TRY(declaration, expression) \
  RETORT_TRY_IMPL(RETORT_CONCAT(retort_result_, __LINE__), declaration, expression)
#define RETORT_TRY_IMPL(result, declaration, expression)         \
  auto result = (expression);                                    \
  if (!result) return ::retort::fail(std::move(result).error()); \
  declaration = std::move(*result)

/// RETORT_TRY_STATUS(file.sync());   goes on, or returns the error.
#define RETORT_TRY_STATUS(expression)                          \
  do {                                                         \
    if (auto retort_status = (expression); !retort_status) {   \
      return ::retort::fail(std::move(retort_status).error()); \
    }                                                          \
  } while (false)

/// For a programmer's errors only: no input from outside may reach it.
#define RETORT_CHECK(condition, ...)                                                                 \
  do {                                                                                               \
    if (!(condition)) [[unlikely]] {                                                                 \
      ::retort::detail::check_failed(__FILE__, __LINE__, #condition, ::fmt::format("" __VA_ARGS__)); \
    }                                                                                                \
  } while (false)
