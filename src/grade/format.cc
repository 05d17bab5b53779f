#include "grade/format.h"

#include <cstddef>

#include "core/ascii.h"

namespace retort::grade {
namespace {

std::size_t count_of(std::string_view text, std::string_view what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + what.size())) ++count;
  return count;
}

bool is_blank(std::string_view text) { return trimmed(text).empty(); }

std::string_view without_leading_space(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return text;
}

class Checker {
 public:
  Checker(std::string_view response, const FormatRules& rules) : response_(response), rules_(rules) {}

  FormatReport run() {
    const std::string_view answer = rules_.think == ThinkTags::kNone ? without_think() : behind_think();
    check(!is_blank(answer), FormatFault::kNoAnswer);
    std::string_view told = answer;
    if (rules_.answer == AnswerTags::kWanted) told = within_answer_tags(answer);
    if (rules_.box == BoxRule::kOnce) {
      const std::size_t boxes = count_of(told, "\\boxed") + count_of(told, "\\fbox");
      check(boxes >= 1, FormatFault::kNoBox);
      check(boxes <= 1, FormatFault::kSeveralBoxes);
    }
    if (rules_.heading == Heading::kWanted) {
      check(without_leading_space(told).starts_with("###"), FormatFault::kNoHeading);
    }
    return report_;
  }

 private:
  void check(bool right, FormatFault fault) {
    ++report_.checks;
    if (!right) report_.faults.push_back(fault);
  }

  std::string_view without_think() {
    check(response_.find("<think>") == std::string_view::npos && response_.find("</think>") == std::string_view::npos,
          FormatFault::kUnwantedThink);
    return response_;
  }

  /// Checks the block; what follows it, or nothing where it does not end.
  std::string_view behind_think() {
    constexpr std::string_view kOpen = "<think>";
    constexpr std::string_view kClose = "</think>";
    const std::size_t opens = count_of(response_, kOpen);
    const std::size_t closes = count_of(response_, kClose);
    const std::size_t open = response_.find(kOpen);
    const std::size_t close = response_.find(kClose);
    const bool prefilled = rules_.think == ThinkTags::kPrefilled && opens == 0;
    check(prefilled || opens > 0, FormatFault::kNoThinkOpen);
    check(closes > 0, FormatFault::kNoThinkClose);
    check(opens <= 1 && closes <= 1, FormatFault::kSeveralThinkBlocks);
    check(opens == 0 || is_blank(response_.substr(0, open)), FormatFault::kTextBeforeThink);
    const std::size_t begin = opens == 0 ? 0 : open + kOpen.size();
    const bool closed = close != std::string_view::npos && close >= begin;
    check(closed && !is_blank(response_.substr(begin, close - begin)), FormatFault::kEmptyThink);
    return closed ? response_.substr(close + kClose.size()) : std::string_view();
  }

  std::string_view within_answer_tags(std::string_view answer) {
    constexpr std::string_view kOpen = "<answer>";
    constexpr std::string_view kClose = "</answer>";
    const std::size_t open = answer.find(kOpen);
    const std::size_t close = answer.rfind(kClose);
    const bool there =
        open != std::string_view::npos && close != std::string_view::npos && open + kOpen.size() <= close;
    check(there, FormatFault::kNoAnswerTags);
    check(count_of(answer, kOpen) <= 1 && count_of(answer, kClose) <= 1, FormatFault::kSeveralAnswerTags);
    return there ? answer.substr(open + kOpen.size(), close - open - kOpen.size()) : answer;
  }

  std::string_view response_;
  const FormatRules& rules_;
  FormatReport report_;
};

}  // namespace

std::string_view to_string(FormatFault fault) {
  switch (fault) {
    case FormatFault::kNoThinkOpen:
      return "no_think_open";
    case FormatFault::kNoThinkClose:
      return "no_think_close";
    case FormatFault::kSeveralThinkBlocks:
      return "several_think_blocks";
    case FormatFault::kTextBeforeThink:
      return "text_before_think";
    case FormatFault::kEmptyThink:
      return "empty_think";
    case FormatFault::kUnwantedThink:
      return "unwanted_think";
    case FormatFault::kNoAnswer:
      return "no_answer";
    case FormatFault::kNoAnswerTags:
      return "no_answer_tags";
    case FormatFault::kSeveralAnswerTags:
      return "several_answer_tags";
    case FormatFault::kNoBox:
      return "no_box";
    case FormatFault::kSeveralBoxes:
      return "several_boxes";
    case FormatFault::kNoHeading:
      return "no_heading";
  }
  return "unknown";
}

FormatReport check_format(std::string_view response, const FormatRules& rules) {
  return Checker(response, rules).run();
}

}  // namespace retort::grade
