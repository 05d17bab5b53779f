#include "cli/line_reader.h"

#include <iostream>
#include <unistd.h>

#include "cli/terminal_reader.h"

namespace retort::cli {
namespace {

class StreamReader final : public LineReader {
 public:
  InputLine read(std::string_view) override {
    InputLine line;
    if (!std::getline(std::cin, line.text)) return line;
    if (!line.text.empty() && line.text.back() == '\r') line.text.pop_back();
    line.kind = InputLine::Kind::kText;
    return line;
  }
  void remember(std::string_view) override {}
};

constexpr std::string_view kQuotes = "\"\"\"";

// What stands between the quotes; the line breaks next to them are not part of it.
InputLine read_quoted(LineReader& reader, const InputLine& first, std::string_view continuation) {
  std::string text = first.text.substr(kQuotes.size());
  while (!text.ends_with(kQuotes)) {
    InputLine more = reader.read(continuation);
    if (more.kind == InputLine::Kind::kInterrupted) return {more.kind, text + more.text};
    if (more.kind == InputLine::Kind::kEnd) break;  // the end of input closes them
    text += '\n' + more.text;
  }
  if (text.ends_with(kQuotes)) text.resize(text.size() - kQuotes.size());
  if (text.starts_with('\n')) text.erase(0, 1);
  if (text.ends_with('\n')) text.pop_back();
  return {InputLine::Kind::kText, std::move(text)};
}

}  // namespace

std::unique_ptr<LineReader> make_line_reader(HistoryFile history) {
  if (isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0) {
    if (auto reader = make_terminal_reader(history)) return reader;
  }
  return std::make_unique<StreamReader>();
}

InputLine read_message(LineReader& reader, std::string_view prompt, std::string_view continuation) {
  InputLine line = reader.read(prompt);
  if (line.kind != InputLine::Kind::kText) return line;
  if (line.text.starts_with(kQuotes)) return read_quoted(reader, line, continuation);
  std::string text;
  while (line.kind == InputLine::Kind::kText && line.text.ends_with('\\')) {
    line.text.back() = '\n';
    text += line.text;
    line = reader.read(continuation);
  }
  if (line.kind == InputLine::Kind::kEnd) line.kind = InputLine::Kind::kText;  // the end of input ends the message
  return {line.kind, text + line.text};
}

}  // namespace retort::cli
