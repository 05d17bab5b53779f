#include "cli/wide_text.h"

#include "text/utf8.h"

namespace retort::cli {

std::wstring to_wide(std::string_view text) {
  std::wstring wide;
  while (!text.empty()) {
    const Utf8Char next = decode_utf8(text);
    wide += next.code == Utf8Char::kInvalid ? L'\uFFFD' : static_cast<wchar_t>(next.code);
    text.remove_prefix(next.length);
  }
  return wide;
}

std::string to_utf8(std::wstring_view text) {
  std::string narrow;
  for (const wchar_t c : text) {
    const auto code = static_cast<char32_t>(c);
    const bool scalar = code < 0xD800 || (code > 0xDFFF && code <= 0x10FFFF);
    append_utf8(narrow, scalar ? code : U'\uFFFD');
  }
  return narrow;
}

}  // namespace retort::cli
