#include "cli/reply_printer.h"

#include <utility>

#include "cli/safe_text.h"

namespace retort::cli {

Expected<ReasoningMode> parse_reasoning_mode(std::string_view word) {
  if (word == "show") return ReasoningMode::kShow;
  if (word == "hide") return ReasoningMode::kHide;
  if (word == "dim") return ReasoningMode::kDim;
  return fail(ErrorCode::kInvalidArgument, "reasoning must be show, hide or dim but is '{}'", word);
}

std::string_view to_string(ReasoningMode mode) {
  switch (mode) {
    case ReasoningMode::kShow:
      return "show";
    case ReasoningMode::kHide:
      return "hide";
    case ReasoningMode::kDim:
      return "dim";
  }
  return "?";
}

ReplyPrinter::ReplyPrinter(ReasoningMode mode, StartsInReasoning starts, Output output,
                           std::function<void(std::string_view)> write)
    : mode_(mode), output_(output), write_(std::move(write)), splitter_(starts) {
  if (mode_ == ReasoningMode::kDim && output_ != Output::kTerminal) mode_ = ReasoningMode::kShow;
}

void ReplyPrinter::put(std::string_view text) {
  if (text.empty()) return;
  at_line_start_ = text.back() == '\n';
  if (output_ == Output::kFile) {
    write_(text);
  } else {
    write_(terminal_safe(text));
  }
}

void ReplyPrinter::push(std::string_view text) {
  if (mode_ == ReasoningMode::kShow) {
    put(text);
  } else {
    print(splitter_.push(text));
  }
}

void ReplyPrinter::print(const std::vector<ReasoningPiece>& pieces) {
  for (const ReasoningPiece& piece : pieces) {
    if (piece.kind == ReasoningPiece::Kind::kAnswer) {
      if (std::exchange(dimmed_, false)) write_(kResetCode);
      if (std::exchange(reasoning_out_, false)) put(at_line_start_ ? "\n" : "\n\n");
      held_breaks_.clear();
      put(piece.text);
      continue;
    }
    if (mode_ == ReasoningMode::kHide) continue;
    // Line breaks wait for what follows them, so that however many end the thinking, one blank line does.
    const std::size_t end = piece.text.find_last_not_of("\r\n");
    if (end == std::string::npos) {
      held_breaks_ += piece.text;
      continue;
    }
    if (!std::exchange(dimmed_, true)) write_(kDimCode);
    reasoning_out_ = true;
    put(std::exchange(held_breaks_, piece.text.substr(end + 1)) + piece.text.substr(0, end + 1));
  }
}

void ReplyPrinter::finish() {
  if (mode_ != ReasoningMode::kShow) print(splitter_.finish());
  if (std::exchange(dimmed_, false)) write_(kResetCode);
  if (!at_line_start_) put("\n");
}

}  // namespace retort::cli
