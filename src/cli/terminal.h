// What is known about the standard streams.
#pragma once

#include <string>
#include <string_view>

#include "core/error.h"

namespace retort::cli {

/// What may be written to a stream besides text.
enum class Output {
  kFile,      ///< a file or a pipe: bytes as they are, no ANSI codes
  kPlain,     ///< a terminal that asked for no colours (NO_COLOR, TERM=dumb): control characters spelled out, no codes
  kTerminal,  ///< a terminal: control characters spelled out, ANSI codes of our own
};
Output output_kind(int descriptor);

/// Writes and flushes; kIo if the stream cannot take it (disk full, closed).
Status write_stdout(std::string_view text);

inline constexpr std::string_view kDimCode = "\x1b[2m";
inline constexpr std::string_view kBoldCode = "\x1b[1m";
inline constexpr std::string_view kResetCode = "\x1b[0m";

/// `text` between the codes where `output` takes them.
std::string styled(Output output, std::string_view style, std::string_view text);

}  // namespace retort::cli
