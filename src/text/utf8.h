// UTF-8, byte by byte: decoding that says what is not UTF-8 instead of guessing, and text with U+FFFD in its place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace retort {

/// One step through text. `length` is 1..4 bytes and never 0.
struct Utf8Char {
  static constexpr char32_t kInvalid = 0xFFFF'FFFF;
  char32_t code = kInvalid;  ///< kInvalid: the bytes are not a character
  std::uint32_t length =
      1;                   ///< of an ill-formed sequence: its maximal subpart (Unicode 15, 3.9), what one U+FFFD is for
  bool truncated = false;  ///< ill-formed only because the text ends there: more bytes could complete it
};

/// `text` must not be empty. Overlong forms, surrogates and codes beyond U+10FFFF are ill-formed.
inline Utf8Char decode_utf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1, false};
  if (lead < 0xC2 || lead > 0xF4) return {};
  const std::uint32_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // The second byte's range excludes overlong forms (E0, F0), surrogates (ED) and codes beyond U+10FFFF (F4).
  const std::uint32_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const std::uint32_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  char32_t code = lead & (0x7Fu >> length);
  for (std::uint32_t i = 1; i < length; ++i) {
    if (i == text.size()) return {Utf8Char::kInvalid, i, true};
    const std::uint32_t next = byte(i);
    if (next < (i == 1 ? low : 0x80u) || next > (i == 1 ? high : 0xBFu)) return {Utf8Char::kInvalid, i, false};
    code = code << 6 | (next & 0x3F);
  }
  return {code, length, false};
}

/// Appends a code point that is a Unicode scalar value.
void append_utf8(std::string& text, char32_t code);

inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";  // U+FFFD

/// Appends `bytes`, each maximal ill-formed subpart as U+FFFD.
void append_lossy_utf8(std::string& text, std::string_view bytes);

bool is_valid_utf8(std::string_view bytes);

}  // namespace retort
