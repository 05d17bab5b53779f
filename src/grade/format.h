// Whether a response has the form that was asked for: reasoning in one block, then the answer, boxed once.
#pragma once

#include <string_view>
#include <vector>

namespace retort::grade {

enum class ThinkTags {
  kNone,       ///< no block is asked for, and none is allowed
  kWritten,    ///< <think> ... </think>, both by the model
  kPrefilled,  ///< the template wrote <think>: the response begins within it (one that writes it again is credited too)
};
enum class BoxRule { kAny, kOnce };
enum class AnswerTags { kNone, kWanted };  ///< <answer> ... </answer> behind the reasoning
enum class Heading { kAny, kWanted };      ///< the answer begins with a line of "###"

struct FormatRules {
  ThinkTags think = ThinkTags::kPrefilled;
  BoxRule box = BoxRule::kOnce;
  AnswerTags answer = AnswerTags::kNone;
  Heading heading = Heading::kAny;
};

enum class FormatFault {
  kNoThinkOpen,
  kNoThinkClose,
  kSeveralThinkBlocks,
  kTextBeforeThink,
  kEmptyThink,
  kUnwantedThink,
  kNoAnswer,
  kNoAnswerTags,
  kSeveralAnswerTags,
  kNoBox,
  kSeveralBoxes,
  kNoHeading,
};

/// "no_think_open", ...
std::string_view to_string(FormatFault fault);

struct FormatReport {
  std::vector<FormatFault> faults;  ///< in the order of the enumeration; none: the form is right
  int checks = 0;                   ///< how many things the rules asked for
  /// The share of them that is right, from 0 to 1.
  [[nodiscard]] double score() const {
    return checks == 0 ? 1.0 : 1.0 - static_cast<double>(faults.size()) / static_cast<double>(checks);
  }
};

FormatReport check_format(std::string_view response, const FormatRules& rules);

}  // namespace retort::grade
