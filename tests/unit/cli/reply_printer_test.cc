#include "cli/reply_printer.h"

#include <gtest/gtest.h>

namespace retort::cli {
namespace {

std::string printed(ReasoningMode mode, StartsInReasoning starts, Output output, std::string_view text,
                    std::size_t step = 1) {
  std::string out;
  ReplyPrinter printer(mode, starts, output, [&](std::string_view part) { out += part; });
  for (std::size_t at = 0; at < text.size(); at += step) printer.push(text.substr(at, step));
  printer.finish();
  return out;
}

constexpr std::string_view kThought = "hm\nwell\n</think>\n\nFour.";

TEST(ReplyPrinter, DimsThinkingAndSetsItApart) {
  for (std::size_t step : {1, 2, 5, 100}) {
    EXPECT_EQ(printed(ReasoningMode::kDim, StartsInReasoning::kYes, Output::kTerminal, kThought, step),
              "\x1b[2mhm\nwell\x1b[0m\n\nFour.\n");
    EXPECT_EQ(printed(ReasoningMode::kDim, StartsInReasoning::kAuto, Output::kTerminal,
                      "<think>\n" + std::string(kThought), step),
              "\x1b[2mhm\nwell\x1b[0m\n\nFour.\n");
  }
}

TEST(ReplyPrinter, ResetsWhereThinkingNeverEnds) {
  EXPECT_EQ(printed(ReasoningMode::kDim, StartsInReasoning::kYes, Output::kTerminal, "hm\n\nwe"),
            "\x1b[2mhm\n\nwe\x1b[0m\n");
}

TEST(ReplyPrinter, NoThinkingNoBlankLine) {
  EXPECT_EQ(printed(ReasoningMode::kDim, StartsInReasoning::kYes, Output::kTerminal, "\n\n</think>\n\nFour.\n"),
            "Four.\n");
  EXPECT_EQ(printed(ReasoningMode::kDim, StartsInReasoning::kAuto, Output::kTerminal, "Four."), "Four.\n");
  EXPECT_EQ(printed(ReasoningMode::kDim, StartsInReasoning::kAuto, Output::kTerminal, ""), "");
}

TEST(ReplyPrinter, Hides) {
  EXPECT_EQ(printed(ReasoningMode::kHide, StartsInReasoning::kYes, Output::kTerminal, kThought), "Four.\n");
  EXPECT_EQ(printed(ReasoningMode::kHide, StartsInReasoning::kYes, Output::kFile, "never ends"), "");
}

TEST(ReplyPrinter, ShowsTextAsItIs) {
  const std::string text = std::string(kThought) + "\n";
  EXPECT_EQ(printed(ReasoningMode::kShow, StartsInReasoning::kYes, Output::kTerminal, kThought), text);
  // Nothing can be dimmed in a file or without colours.
  EXPECT_EQ(printed(ReasoningMode::kDim, StartsInReasoning::kYes, Output::kFile, kThought), text);
  EXPECT_EQ(printed(ReasoningMode::kDim, StartsInReasoning::kYes, Output::kPlain, kThought), text);
}

TEST(ReplyPrinter, OnlyOurOwnCodesReachATerminal) {
  EXPECT_EQ(printed(ReasoningMode::kDim, StartsInReasoning::kYes, Output::kTerminal, "a\x1b[8m</think>\x1b[31mb"),
            "\x1b[2ma\\x1b[8m\x1b[0m\n\n\\x1b[31mb\n");
  EXPECT_EQ(printed(ReasoningMode::kShow, StartsInReasoning::kAuto, Output::kPlain, "\x1b[31m"), "\\x1b[31m\n");
  EXPECT_EQ(printed(ReasoningMode::kShow, StartsInReasoning::kAuto, Output::kFile, "\x1b[31m"), "\x1b[31m\n");
}

TEST(ReplyPrinter, ModesByName) {
  for (const auto mode : {ReasoningMode::kShow, ReasoningMode::kHide, ReasoningMode::kDim}) {
    EXPECT_EQ(parse_reasoning_mode(to_string(mode)).value(), mode);
  }
  EXPECT_EQ(parse_reasoning_mode("loud").error().code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace retort::cli
