#include "cli/safe_text.h"

#include <cstdint>
#include <fmt/format.h>

#include "text/utf8.h"

namespace retort::cli {
namespace {

bool is_bidi_control(char32_t code) {
  return code == 0x061C || code == 0x200E || code == 0x200F || (code >= 0x202A && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069);
}

}  // namespace

std::string terminal_safe(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  while (!text.empty()) {
    const auto [code, length, truncated] = decode_utf8(text);
    if (code == Utf8Char::kInvalid) {
      safe += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(text[0]));
      text.remove_prefix(1);
      continue;
    }
    if (code == '\r') {
      safe += "\\r";
    } else if ((code < 0x20 && code != '\n' && code != '\t') || code == 0x7F) {
      safe += fmt::format("\\x{:02x}", static_cast<std::uint32_t>(code));
    } else if ((code >= 0x80 && code < 0xA0) || is_bidi_control(code)) {
      safe += fmt::format("\\u{:04x}", static_cast<std::uint32_t>(code));
    } else {
      safe += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return safe;
}

}  // namespace retort::cli
