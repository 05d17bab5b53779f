// Answers in the characters of many keyboards, told in ASCII and LaTeX: full-width forms, Greek letters, signs of
// Unicode, typographic dashes and spaces.
#pragma once

#include <string>
#include <string_view>

namespace retort::grade {

/// Never fails: what it does not know stays as it is, and bytes that are not UTF-8 become '?'.
std::string to_plain_characters(std::string_view text);

}  // namespace retort::grade
