// Which letter a response chooses.
//
// In this order: a letter alone in the last box; the letter behind the last "answer is" or "Answer:"; a response that
// begins with one ("B. Because ..."); the last letter in brackets; the last capital letter that stands alone.
#pragma once

#include <optional>
#include <string_view>

namespace retort::grade {

/// A capital of `letters` ("ABCD"), or nothing.
std::optional<char> extract_choice(std::string_view response, std::string_view letters);

}  // namespace retort::grade
