// Two runs over the same questions.
#include "eval/compare.h"

#include <gtest/gtest.h>

namespace retort::eval {
namespace {

QuestionScore scored(int id, double mean) {
  return {.id = std::to_string(id), .row = id, .tries = {1, mean == 1 ? 1 : 0}, .mean = mean};
}

// `both` right in both, `only_a`, `only_b`, `none`.
std::pair<std::vector<QuestionScore>, std::vector<QuestionScore>> runs(int both, int only_a, int only_b, int none) {
  std::pair<std::vector<QuestionScore>, std::vector<QuestionScore>> out;
  for (int i = 0; i < both + only_a + only_b + none; ++i) {
    const bool a = i < both + only_a;
    const bool b = i < both || (i >= both + only_a && i < both + only_a + only_b);
    out.first.push_back(scored(i, a ? 1 : 0));
    out.second.push_back(scored(i, b ? 1 : 0));
  }
  return out;
}

TEST(Compare, ALargeDifferenceIsTold) {
  const auto [a, b] = runs(100, 5, 40, 55);
  const Comparison comparison = compare_runs(a, b);
  EXPECT_EQ(comparison.pairs, 200);
  EXPECT_EQ(comparison.better_a.size(), 5U);
  EXPECT_EQ(comparison.better_b.size(), 40U);
  EXPECT_EQ(comparison.better_a.front().id, "100");
  EXPECT_NEAR(comparison.difference.value, 35.0 / 200, 1e-12);
  EXPECT_GT(comparison.interval.low, 0);
  EXPECT_LT(comparison.p_value, 1e-6);
  EXPECT_EQ(comparison.verdict, Comparison::Verdict::kBBetter);
  EXPECT_EQ(compare_runs(b, a).verdict, Comparison::Verdict::kABetter);
  EXPECT_NE(conclusion(comparison).find("B is better than A: B - A is +17.5 points on 200 questions"),
            std::string::npos)
      << conclusion(comparison);
}

TEST(Compare, ASmallOneIsNot) {
  const auto [a, b] = runs(20, 3, 5, 12);
  const Comparison comparison = compare_runs(a, b);
  EXPECT_EQ(comparison.verdict, Comparison::Verdict::kNothing);
  ASSERT_TRUE(comparison.questions_needed.has_value());
  EXPECT_GT(*comparison.questions_needed, 40);
  EXPECT_NE(conclusion(comparison).find("No difference can be told from chance"), std::string::npos);
}

TEST(Compare, TheSameRunDiffersByNothing) {
  const auto [a, b] = runs(10, 0, 0, 10);
  const Comparison comparison = compare_runs(a, b);
  EXPECT_EQ(comparison.p_value, 1);
  EXPECT_EQ(comparison.difference.value, 0);
  EXPECT_EQ(comparison.questions_needed, std::nullopt);
  EXPECT_EQ(comparison.verdict, Comparison::Verdict::kNothing);
}

TEST(Compare, OnlyCommonQuestionsCount) {
  const std::vector<QuestionScore> a = {scored(1, 1), scored(2, 1), scored(3, 0)};
  const std::vector<QuestionScore> b = {scored(3, 1), scored(4, 1)};
  const Comparison comparison = compare_runs(a, b);
  EXPECT_EQ(comparison.pairs, 1);
  EXPECT_EQ(comparison.only_a, 2);
  EXPECT_EQ(comparison.only_b, 1);
  EXPECT_EQ(comparison.mean_a, 0);
  EXPECT_EQ(conclusion(compare_runs(a, {})), "The runs have no question in common, so nothing can be concluded.");
}

}  // namespace
}  // namespace retort::eval
