// What pretokenizers and the normalizer ask about a character, answered by one look-up in a compact table.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "text/utf8.h"

namespace retort {

/// Bits of a character's class.
namespace char_class {
inline constexpr std::uint8_t kLetter = 1;     ///< general category L*
inline constexpr std::uint8_t kNumber = 2;     ///< N*
inline constexpr std::uint8_t kSpace = 4;      ///< White_Space, which is what \s means to tokenizers
inline constexpr std::uint8_t kNewline = 8;    ///< \r and \n
inline constexpr std::uint8_t kMark = 16;      ///< M*
inline constexpr std::uint8_t kWord = 32;      ///< \w: Alphabetic, M*, Nd, Pc, Join_Control
inline constexpr std::uint8_t kNfcCheck = 64;  ///< may change under NFC, or may combine with what precedes it
}  // namespace char_class

/// Immutable; made once, at first use (about 3 ms), from utf8proc's data.
class UnicodeTable {
 public:
  static const UnicodeTable& instance();

  /// Class of any code up to U+10FFFF; beyond it (Utf8Char::kInvalid) 0, as of a symbol.
  [[nodiscard]] std::uint8_t of(char32_t code) const {
    if (code > 0x10FFFF) return 0;
    return blocks_[pages_[code >> 8]][code & 0xFF];
  }
  [[nodiscard]] std::uint8_t of_ascii(std::uint8_t byte) const { return blocks_[0][byte]; }

 private:
  UnicodeTable();
  using Block = std::array<std::uint8_t, 256>;
  std::array<std::uint16_t, 0x1100> pages_{};  // by code >> 8: index into blocks_
  std::vector<Block> blocks_;                  // distinct ones only; block 0 is U+0000..U+00FF
};

}  // namespace retort
