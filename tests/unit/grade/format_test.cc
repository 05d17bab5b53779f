// The form of a response.
#include "grade/format.h"

#include <gtest/gtest.h>

namespace retort::grade {
namespace {

using Faults = std::vector<FormatFault>;

Faults faults_of(std::string_view response, const FormatRules& rules = {}) {
  return check_format(response, rules).faults;
}

TEST(Format, OneBlockOfThoughtThenOneBox) {
  EXPECT_EQ(faults_of("<think>2+2</think>\\boxed{4}"), Faults{});
  EXPECT_EQ(faults_of("2+2</think>\\boxed{4}"), Faults{}) << "the template wrote the tag";
  EXPECT_EQ(faults_of("2+2</think>\\boxed{4}", {.think = ThinkTags::kWritten}), Faults{FormatFault::kNoThinkOpen});
}

TEST(Format, WhatIsWrongIsNamed) {
  EXPECT_EQ(faults_of("<think>2+2"), (Faults{FormatFault::kNoThinkClose, FormatFault::kEmptyThink,
                                             FormatFault::kNoAnswer, FormatFault::kNoBox}));
  EXPECT_EQ(faults_of("<think>a</think>b<think>c</think>\\boxed{4}"), Faults{FormatFault::kSeveralThinkBlocks});
  EXPECT_EQ(faults_of("well <think>a</think>\\boxed{4}"), Faults{FormatFault::kTextBeforeThink});
  EXPECT_EQ(faults_of("<think> </think>\\boxed{4}"), Faults{FormatFault::kEmptyThink});
  EXPECT_EQ(faults_of("<think>\\boxed{4}</think>four"), Faults{FormatFault::kNoBox}) << "a box in the thought is none";
  EXPECT_EQ(faults_of("a</think>\\boxed{4} \\boxed{5}"), Faults{FormatFault::kSeveralBoxes});
  EXPECT_EQ(faults_of("</think><think>a \\boxed{4}"), (Faults{FormatFault::kTextBeforeThink, FormatFault::kEmptyThink,
                                                              FormatFault::kNoAnswer, FormatFault::kNoBox}));
}

TEST(Format, TagsAndHeadingsWhereAsked) {
  const FormatRules tags{.box = BoxRule::kAny, .answer = AnswerTags::kWanted};
  EXPECT_EQ(faults_of("a</think><answer>4</answer>", tags), Faults{});
  EXPECT_EQ(faults_of("a</think>4", tags), Faults{FormatFault::kNoAnswerTags});
  EXPECT_EQ(faults_of("a</think><answer>4</answer><answer>5</answer>", tags), Faults{FormatFault::kSeveralAnswerTags});
  const FormatRules heading{.box = BoxRule::kAny, .heading = Heading::kWanted};
  EXPECT_EQ(faults_of("a</think>\n\n### Solution\n4", heading), Faults{});
  EXPECT_EQ(faults_of("a</think>4", heading), Faults{FormatFault::kNoHeading});
}

TEST(Format, TheScoreIsTheShareThatIsRight) {
  EXPECT_DOUBLE_EQ(check_format("a</think>\\boxed{4}", {}).score(), 1.0);
  EXPECT_DOUBLE_EQ(check_format("a</think>4", {}).score(), 1.0 - 1.0 / 8);
  EXPECT_LT(check_format("", {}).score(), 0.6);
}

}  // namespace
}  // namespace retort::grade
