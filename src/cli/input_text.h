// Text that a command is given as an option, in a file, or on standard input.
#pragma once

#include <optional>
#include <string>

#include "core/error.h"

namespace retort::cli {

/// All of standard input; kOutOfRange beyond 1 GiB, since a pipe that never ends must not fill the memory.
Expected<std::string> read_stdin();

/// All of a file, or of standard input where `path` is "-".
Expected<std::string> read_file(const std::string& path);

/// `text` if given, else what read_file() gives for `file`, else standard input.
Expected<std::string> read_input_text(const std::optional<std::string>& text, const std::optional<std::string>& file);

}  // namespace retort::cli
