// An answer on its way to a person: thinking shown, dimmed or hidden, and nothing that could drive the terminal.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "cli/terminal.h"
#include "text/reasoning.h"

namespace retort::cli {

enum class ReasoningMode {
  kShow,  ///< the text as the model wrote it, tags and all
  kHide,  ///< the answer only
  kDim,   ///< dimmed, without tags, a blank line between thinking and answer; like kShow where nothing can be dimmed
};
/// kInvalidArgument, naming the choices, for any other word.
Expected<ReasoningMode> parse_reasoning_mode(std::string_view word);
std::string_view to_string(ReasoningMode mode);

/// One per answer. Text goes to `write` as soon as it is certain how.
class ReplyPrinter {
 public:
  ReplyPrinter(ReasoningMode mode, StartsInReasoning starts, Output output,
               std::function<void(std::string_view)> write);

  void push(std::string_view text);
  /// Everything held back, codes reset, and a line break if the last line has none.
  void finish();

 private:
  void print(const std::vector<ReasoningPiece>& pieces);
  void put(std::string_view text);

  ReasoningMode mode_;
  Output output_;
  std::function<void(std::string_view)> write_;
  ReasoningSplitter splitter_;
  bool dimmed_ = false;         ///< a dim code is in force
  bool reasoning_out_ = false;  ///< some reasoning was printed and no answer yet
  std::string held_breaks_;     ///< line breaks at the end of dimmed reasoning: the blank line takes their place
  bool at_line_start_ = true;
};

}  // namespace retort::cli
