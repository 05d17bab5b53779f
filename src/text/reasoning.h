// What a reasoning model says, told apart as it streams: its thinking and its answer.
//
// R1-style models write "<think>\nthinking\n</think>\n\nanswer". The newer templates already open <think> in the
// prompt, so that the model's own text has only the closing tag; a model that is cut short never closes it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace retort {

/// Whether the text begins inside the thinking.
enum class StartsInReasoning {
  kYes,   ///< the prompt opened <think>: everything before </think> is reasoning, with or without its own <think>
  kNo,    ///< thinking is off: everything is answer, and a tag in it is text like any other
  kAuto,  ///< a <think> at the start (white space before it allowed) decides; without one all is answer
};

/// The prompt ends in <think>, with nothing but white space behind it: use kYes.
bool opens_reasoning(std::string_view rendered_prompt);

struct ReasoningPiece {
  enum class Kind { kReasoning, kAnswer };
  Kind kind = Kind::kAnswer;
  std::string text;  ///< never empty
  bool operator==(const ReasoningPiece&) const = default;
};

/// One per answer. The rules:
/// - Reasoning ends at the first </think>; later tags are text of the answer. Never closed: all of it is reasoning.
/// - The tags emit nothing. Neither do the line breaks (\n, \r\n) directly behind a tag, however many, so that
///   "<think>\nA\n</think>\n\nB" gives "A\n" and "B"; with kYes the tag was in the prompt, so line breaks that the
///   text begins with count as behind it. Nothing else is trimmed.
/// - A tag may be split over any number of pushes. Text that may still become a tag is held back until that is
///   decided, so at most 7 bytes, and with kAuto the white space that the text begins with.
/// - All pieces of a kind joined are the same, whatever the pushes were.
class ReasoningSplitter {
 public:
  explicit ReasoningSplitter(StartsInReasoning starts = StartsInReasoning::kAuto);

  /// What became certain with this text: no piece, one, or reasoning followed by answer.
  std::vector<ReasoningPiece> push(std::string_view text);
  /// What was held back; call once, at the end.
  std::vector<ReasoningPiece> finish();

  /// The next text is reasoning, as far as is known. (kAuto says false until <think> has come.)
  [[nodiscard]] bool in_reasoning() const { return state_ == State::kOpening || state_ == State::kReasoning; }
  /// A </think> has come.
  [[nodiscard]] bool closed() const { return closed_; }

 private:
  enum class State {
    kUndecided,  ///< kAuto: before anything but white space
    kOpening,    ///< kYes: before anything but white space; a repeated <think> would be swallowed
    kReasoning,
    kAnswer,
  };
  void advance(std::vector<ReasoningPiece>& pieces);
  void emit(std::vector<ReasoningPiece>& pieces, ReasoningPiece::Kind kind, std::size_t bytes);
  void after_tag(std::size_t bytes, State next);
  bool skip_line_breaks();

  State state_;
  std::string held_;             ///< not yet emitted
  bool at_line_breaks_ = false;  ///< directly behind a tag
  bool closed_ = false;
};

}  // namespace retort
