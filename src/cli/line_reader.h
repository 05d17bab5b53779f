// Lines that a person types (or a pipe brings), one message at a time.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/error.h"

namespace retort::cli {

struct InputLine {
  enum class Kind {
    kText,
    kInterrupted,  ///< Ctrl-C; `text` is what is dropped by it
    kEnd,          ///< Ctrl-D at an empty line, or the end of a pipe
  };
  Kind kind = Kind::kEnd;
  std::string text;  ///< UTF-8, without the line break that ended it; a pasted text may hold some
};

/// Where lines come from. One thread at a time.
class LineReader {
 public:
  virtual ~LineReader() = default;
  virtual InputLine read(std::string_view prompt) = 0;
  /// A whole message, for the history that the arrow keys go through.
  virtual void remember(std::string_view message) = 0;
};

enum class HistoryFile { kUse, kNone };
/// libedit where standard input and output are terminals, plain lines otherwise. The history is in
/// $XDG_STATE_HOME/retort/chat_history (~/.local/state/...), readable by its owner only.
std::unique_ptr<LineReader> make_line_reader(HistoryFile history);

/// One message: a line, several joined by a backslash at the end of all but the last, or everything between """ at the
/// start of a line and """ at the end of one.
InputLine read_message(LineReader& reader, std::string_view prompt, std::string_view continuation);

}  // namespace retort::cli
