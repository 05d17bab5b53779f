#include "core/error.h"

#include <cstdio>
#include <cstdlib>

namespace retort {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid argument";
    case ErrorCode::kNotFound:
      return "not found";
    case ErrorCode::kIo:
      return "input/output error";
    case ErrorCode::kCorrupt:
      return "corrupt";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kOutOfRange:
      return "out of range";
    case ErrorCode::kExhausted:
      return "exhausted";
    case ErrorCode::kCancelled:
      return "cancelled";
    case ErrorCode::kNetwork:
      return "network error";
  }
  return "error";
}

Error Error::within(std::string_view context) && {
  message_.insert(0, ": ");
  message_.insert(0, context);
  return std::move(*this);
}

namespace detail {

// The one place in the libraries that writes and aborts: the program is wrong and must not go on with wrong data.
void check_failed(const char* file, int line, const char* condition, const std::string& message) {
  std::fprintf(stderr, "%s:%d: this is a bug in retort: %s does not hold. %s\n", file, line, condition,
               message.c_str());
  std::abort();
}

}  // namespace detail
}  // namespace retort
