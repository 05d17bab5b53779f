// Which part of a response may hold its answer.
#include "grade/answer_part.h"

#include <gtest/gtest.h>

namespace retort::grade {
namespace {

TEST(AnswerPart, StripTakesWhatFollowsTheLastThought) {
  EXPECT_EQ(answer_part("<think>2+2</think> four", ThinkPolicy::kStrip), " four");
  EXPECT_EQ(answer_part("2+2</think>four", ThinkPolicy::kStrip), "four") << "the template had opened it";
  EXPECT_EQ(answer_part("<think>a</think>b<think>c</think>d", ThinkPolicy::kStrip), "d");
  EXPECT_EQ(answer_part("four", ThinkPolicy::kStrip), "four");
}

TEST(AnswerPart, AnOpenThoughtIsNoAnswer) {
  EXPECT_EQ(answer_part("<think>so it is \\boxed{4}", ThinkPolicy::kStrip), std::nullopt);
  EXPECT_EQ(answer_part("<think>a</think>b<think>\\boxed{4}", ThinkPolicy::kStrip), std::nullopt);
}

TEST(AnswerPart, RequireWantsTheEndOfAThought) {
  EXPECT_EQ(answer_part("four", ThinkPolicy::kRequire), std::nullopt);
  EXPECT_EQ(answer_part("</think>four", ThinkPolicy::kRequire), "four");
}

TEST(AnswerPart, KeepTakesAll) {
  EXPECT_EQ(answer_part("<think>so it is \\boxed{4}", ThinkPolicy::kKeep), "<think>so it is \\boxed{4}");
}

TEST(AnswerPart, NamesThere) {
  EXPECT_EQ(think_policy_from("require"), ThinkPolicy::kRequire);
  EXPECT_EQ(think_policy_from("Require"), std::nullopt);
}

}  // namespace
}  // namespace retort::grade
