// Text that a command is given as an option, in a file, or on standard input.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"

namespace retort::cli {

/// `text` if given, else the content of `file` if given ("-": standard input), else standard input to its end.
Expected<std::string> read_input_text(const std::optional<std::string>& text, const std::optional<std::string>& file);

}  // namespace retort::cli
