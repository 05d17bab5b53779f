// The words that a mathematical answer may hold and that are not variables.
#pragma once

#include <string_view>

namespace retort::grade {

/// "cm", "meters", "dollars", ...: what may follow a quantity and does not change it. Lower case.
bool is_unit_word(std::string_view word);

/// The LaTeX commands that only change how things look: "left", "displaystyle", "mathrm", ...
bool is_layout_command(std::string_view command);

/// The LaTeX commands whose braces hold words: "text", "mbox", ...
bool is_text_command(std::string_view command);

}  // namespace retort::grade
