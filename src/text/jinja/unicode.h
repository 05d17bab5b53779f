// Python's view of a string: code points, their classes, and their case.
//
// Text here is UTF-8. A byte that is no part of a well-formed character counts as one character of its own, so that
// nothing is lost or read out of bounds whatever a request holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace retort::jinja {

/// Bytes of the character that `text` begins with: 1 to 4; 0 for an empty text.
std::size_t char_bytes(std::string_view text);
/// Its code point; for a stray byte 0xDC00 + the byte, as Python's surrogateescape has it.
char32_t code_point(std::string_view text);
void append_utf8(std::string& out, char32_t c);

/// len()
std::size_t count_chars(std::string_view text);
/// The byte where character `index` begins; text.size() if there are not that many.
std::size_t byte_of_char(std::string_view text, std::size_t index);
bool is_valid_utf8(std::string_view text);

// str.isspace() and friends of one character.
bool is_space(char32_t c);
bool is_alpha(char32_t c);
bool is_digit(char32_t c);    ///< isdigit(): also superscripts
bool is_decimal(char32_t c);  ///< isdecimal(): category Nd
bool is_numeric(char32_t c);
bool is_alnum(char32_t c);
bool is_upper(char32_t c);
bool is_lower(char32_t c);
bool is_title(char32_t c);
bool is_cased(char32_t c);
bool is_printable(char32_t c);
bool is_word(char32_t c);  ///< \w of a regular expression
bool is_identifier_start(char32_t c);
bool is_identifier_part(char32_t c);

// Full case mappings: one character may become several.
std::string to_upper(std::string_view text);
std::string to_lower(std::string_view text);
std::string capitalize(std::string_view text);
std::string title_case(std::string_view text);  ///< str.title(), not the filter of that name
std::string swap_case(std::string_view text);

enum class Side { kBoth, kLeft, kRight };
/// str.strip(), lstrip(), rstrip()
std::string_view strip_space(std::string_view text, Side side);
/// With a set of characters in place of white space.
std::string_view strip_chars(std::string_view text, std::string_view chars, Side side);

}  // namespace retort::jinja
