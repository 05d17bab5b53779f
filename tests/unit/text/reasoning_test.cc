// The splitter's rules, each under every way that a text can be cut into pushes.
#include "text/reasoning.h"

#include <gtest/gtest.h>

namespace retort {
namespace {

struct Split {
  std::string reasoning;
  std::string answer;
  bool operator==(const Split&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Split& split) {
  return out << "{reasoning: " << ::testing::PrintToString(split.reasoning)
             << ", answer: " << ::testing::PrintToString(split.answer) << "}";
}

Split join(const std::vector<std::string_view>& pushes, StartsInReasoning starts) {
  ReasoningSplitter splitter(starts);
  Split split;
  bool answered = false;
  const auto take = [&](const std::vector<ReasoningPiece>& pieces) {
    for (const auto& piece : pieces) {
      EXPECT_FALSE(piece.text.empty());
      if (piece.kind == ReasoningPiece::Kind::kAnswer) {
        answered = true;
        split.answer += piece.text;
      } else {
        EXPECT_FALSE(answered) << "reasoning after the answer began";
        split.reasoning += piece.text;
      }
    }
  };
  for (const auto push : pushes) take(splitter.push(push));
  take(splitter.finish());
  return split;
}

// Whole, in every two parts, and byte by byte: the same.
Split split(std::string_view text, StartsInReasoning starts) {
  const Split whole = join({text}, starts);
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    EXPECT_EQ(join({text.substr(0, cut), text.substr(cut)}, starts), whole) << "cut at " << cut << " of " << text;
  }
  std::vector<std::string_view> bytes;
  for (std::size_t i = 0; i < text.size(); ++i) bytes.push_back(text.substr(i, 1));
  EXPECT_EQ(join(bytes, starts), whole);
  return whole;
}

TEST(Reasoning, OpenedByThePrompt) {
  EXPECT_EQ(split("First.\nThen.\n</think>\n\nFour", StartsInReasoning::kYes), (Split{"First.\nThen.\n", "Four"}));
  EXPECT_EQ(split("\n\r\nFirst</think>Four", StartsInReasoning::kYes), (Split{"First", "Four"}));
  EXPECT_EQ(split("  indented</think> four", StartsInReasoning::kYes), (Split{"  indented", " four"}));
  EXPECT_EQ(split("<think>\nagain</think>\nfour", StartsInReasoning::kYes), (Split{"again", "four"}));
  EXPECT_EQ(split("</think>\n\nfour", StartsInReasoning::kYes), (Split{"", "four"}));
}

TEST(Reasoning, NeverClosedIsAllReasoning) {
  EXPECT_EQ(split("and so on and on", StartsInReasoning::kYes), (Split{"and so on and on", ""}));
  EXPECT_EQ(split("on </thin", StartsInReasoning::kYes), (Split{"on </thin", ""}));
  EXPECT_EQ(split("<think>on", StartsInReasoning::kAuto), (Split{"on", ""}));
  EXPECT_EQ(split("\n\n", StartsInReasoning::kYes), (Split{"", ""}));
}

TEST(Reasoning, ALeadingTagDecides) {
  EXPECT_EQ(split("<think>\nA\n</think>\n\nB", StartsInReasoning::kAuto), (Split{"A\n", "B"}));
  EXPECT_EQ(split(" \n<think>A</think>B", StartsInReasoning::kAuto), (Split{"A", "B"}));
  EXPECT_EQ(split("\n plain", StartsInReasoning::kAuto), (Split{"", "\n plain"}));
  EXPECT_EQ(split("B </think> <think> C", StartsInReasoning::kAuto), (Split{"", "B </think> <think> C"}));
  EXPECT_EQ(split("<thing>", StartsInReasoning::kAuto), (Split{"", "<thing>"}));
  EXPECT_EQ(split("<thi", StartsInReasoning::kAuto), (Split{"", "<thi"}));
  EXPECT_EQ(split("", StartsInReasoning::kAuto), (Split{"", ""}));
}

TEST(Reasoning, OffMeansText) {
  EXPECT_EQ(split("<think>A</think>B", StartsInReasoning::kNo), (Split{"", "<think>A</think>B"}));
}

TEST(Reasoning, WhatMerelyLooksLikeATag) {
  EXPECT_EQ(split("a < b </ c </think> d", StartsInReasoning::kYes), (Split{"a < b </ c ", " d"}));
  EXPECT_EQ(split("<<</<</think></think>x", StartsInReasoning::kYes), (Split{"<<</<", "</think>x"}));
  EXPECT_EQ(split("x</think>\r\n\ry", StartsInReasoning::kYes), (Split{"x", "\ry"}));
  EXPECT_EQ(split("x</think>\r", StartsInReasoning::kYes), (Split{"x", "\r"}));
}

TEST(Reasoning, EmitsAsSoonAsCertain) {
  using Pieces = std::vector<ReasoningPiece>;
  using Kind = ReasoningPiece::Kind;
  ReasoningSplitter splitter(StartsInReasoning::kYes);
  EXPECT_EQ(splitter.push("ab</th"), (Pieces{{Kind::kReasoning, "ab"}}));
  EXPECT_EQ(splitter.push("a"), (Pieces{{Kind::kReasoning, "</tha"}}));
  EXPECT_TRUE(splitter.in_reasoning());
  EXPECT_EQ(splitter.push("</think>\n"), Pieces{});
  EXPECT_FALSE(splitter.in_reasoning());
  EXPECT_TRUE(splitter.closed());
  EXPECT_EQ(splitter.push("\nyes <"), (Pieces{{Kind::kAnswer, "yes <"}}));
  EXPECT_EQ(splitter.finish(), Pieces{});
}

TEST(Reasoning, PromptsThatOpenIt) {
  EXPECT_TRUE(opens_reasoning("<|Assistant|><think>\n"));
  EXPECT_TRUE(opens_reasoning("<think>"));
  EXPECT_FALSE(opens_reasoning("<think>\n\n</think>\n\n"));
  EXPECT_FALSE(opens_reasoning("<|Assistant|>"));
  EXPECT_FALSE(opens_reasoning(" \n"));
  EXPECT_FALSE(opens_reasoning(""));
}

}  // namespace
}  // namespace retort
