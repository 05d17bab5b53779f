// UTF-8 to and from wchar_t (UTF-32 on Linux), whatever the locale.
#pragma once

#include <string>
#include <string_view>

namespace retort::cli {

/// Bytes that are not UTF-8 become U+FFFD.
std::wstring to_wide(std::string_view text);
/// What is no character becomes U+FFFD.
std::string to_utf8(std::wstring_view text);

}  // namespace retort::cli
