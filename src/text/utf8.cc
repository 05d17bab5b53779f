#include "text/utf8.h"

namespace retort {

void append_utf8(std::string& text, char32_t code) {
  const auto put = [&](std::uint32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

void append_lossy_utf8(std::string& text, std::string_view bytes) {
  std::size_t kept = 0;  // start of the well-formed run not copied yet
  for (std::size_t at = 0; at < bytes.size();) {
    const Utf8Char c = decode_utf8(bytes.substr(at));
    if (c.code == Utf8Char::kInvalid) {
      text.append(bytes.substr(kept, at - kept));
      text.append(kReplacementCharacter);
      kept = at + c.length;
    }
    at += c.length;
  }
  text.append(bytes.substr(kept));
}

bool is_valid_utf8(std::string_view bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const Utf8Char c = decode_utf8(bytes.substr(at));
    if (c.code == Utf8Char::kInvalid) return false;
    at += c.length;
  }
  return true;
}

}  // namespace retort
