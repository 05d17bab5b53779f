// How a text reads, told without understanding it: how much of it repeats itself, and whether it changes its language.
#pragma once

#include <string_view>

namespace retort::grade {

struct Texture {
  /// The share of sequences of 8 words that stood there before, 0 to 1; of a text without spaces, of 16 characters.
  double repetition = 0;
  /// The share of the rarer script among Latin and Chinese, Japanese or Korean letters, 0 to 0.5. Formulas do not
  /// count.
  double language_mix = 0;
  int paragraphs = 0;  ///< separated by blank lines
  int words = 0;       ///< runs of letters and digits; each character of a script without spaces
};

Texture texture_of(std::string_view text);

}  // namespace retort::grade
