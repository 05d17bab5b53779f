#include "text/unicode.h"

#include <algorithm>
#include <utf8proc.h>
namespace retort {
namespace {

using namespace char_class;

// Assigned characters lie in planes 0..3 and 14. The others hold nothing or private use: no letters, no spaces.
bool plane_has_characters(char32_t code) { return code < 0x40000 || code >> 16 == 14; }

bool is_white_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

// Symbols (So) that are Other_Alphabetic: circled, parenthesized, squared letters.
bool is_alphabetic_symbol(char32_t c) {
  return (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) || (c >= 0x1F150 && c <= 0x1F169) ||
         (c >= 0x1F170 && c <= 0x1F189);
}

std::uint8_t classify(char32_t code) {
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(code));
  std::uint8_t result = 0;
  if (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) result |= kLetter | kWord;
  if (category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME) result |= kMark | kWord;
  if (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO) result |= kNumber;
  if (category == UTF8PROC_CATEGORY_ND || category == UTF8PROC_CATEGORY_NL || category == UTF8PROC_CATEGORY_PC ||
      code == 0x200C || code == 0x200D || is_alphabetic_symbol(code)) {
    result |= kWord;
  }
  if (is_white_space(code)) result |= kSpace;
  if (code == '\r' || code == '\n') result |= kNewline;
  return result;
}

// Canonical decomposition of `code` (without compatibility mappings), into at most 4 characters.
std::basic_string_view<utf8proc_int32_t> decompose(char32_t code, std::array<utf8proc_int32_t, 8>& buffer) {
  int last_boundclass = 0;
  const auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(code), buffer.data(), buffer.size(),
                                             UTF8PROC_DECOMPOSE, &last_boundclass);
  if (count < 0 || count > static_cast<utf8proc_ssize_t>(buffer.size())) return {};
  return {buffer.data(), static_cast<std::size_t>(count)};
}

}  // namespace

UnicodeTable::UnicodeTable() {
  std::vector<std::uint8_t> classes(0x110000);
  std::array<utf8proc_int32_t, 8> buffer{};
  for (char32_t code = 0; code < classes.size(); ++code) {
    if (!plane_has_characters(code) || (code >= 0xD800 && code < 0xE000)) continue;
    classes[code] |= classify(code);
    const utf8proc_property_t* property = utf8proc_get_property(static_cast<utf8proc_int32_t>(code));
    const bool hangul_syllable = code >= 0xAC00 && code <= 0xD7A3;  // NFC already, and decomposes by rule
    if (property->combining_class != 0) classes[code] |= kNfcCheck;
    if (hangul_syllable || property->decomp_seqindex == UINT16_MAX) continue;
    const auto parts = decompose(code, buffer);
    if (parts.empty() || (parts.size() == 1 && static_cast<char32_t>(parts[0]) == code)) continue;
    // Whatever can stand second in a composition may combine with what precedes it. A superset of NFC_QC=Maybe does:
    // it costs a look, never a wrong result.
    for (const auto part : parts.substr(1)) classes[static_cast<char32_t>(part)] |= kNfcCheck;
    // Stays itself? Then NFC_QC=Yes.
    std::array<utf8proc_int32_t, 8> composed{};
    std::copy(parts.begin(), parts.end(), composed.begin());
    const auto length = utf8proc_normalize_utf32(composed.data(), static_cast<utf8proc_ssize_t>(parts.size()),
                                                 static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
    if (length != 1 || static_cast<char32_t>(composed[0]) != code) classes[code] |= kNfcCheck;
  }
  for (char32_t jamo = 0x1161; jamo <= 0x1175; ++jamo) classes[jamo] |= kNfcCheck;  // vowels: second in L+V
  for (char32_t jamo = 0x11A8; jamo <= 0x11C2; ++jamo) classes[jamo] |= kNfcCheck;  // finals: second in LV+T

  for (std::size_t page = 0; page < pages_.size(); ++page) {
    Block block{};
    std::copy_n(classes.begin() + static_cast<std::ptrdiff_t>(page * 256), 256, block.begin());
    auto found = std::find(blocks_.begin(), blocks_.end(), block);
    if (found == blocks_.end()) found = blocks_.insert(blocks_.end(), block);
    pages_[page] = static_cast<std::uint16_t>(found - blocks_.begin());
  }
}

const UnicodeTable& UnicodeTable::instance() {
  static const UnicodeTable table;
  return table;
}

}  // namespace retort
