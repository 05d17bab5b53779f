// Reasoning paths, checked equation by equation.
#include "grade/steps/steps.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "grade/steps/chains.h"

namespace retort::grade {
namespace {

std::vector<std::string> verdicts_of(const StepsReport& report) {
  std::vector<std::string> out;
  for (const Step& step : report.steps)
    out.push_back(step.left + " = " + step.right + ": " + std::string(to_string(step.verdict)));
  return out;
}
using Lines = std::vector<std::string>;

StepsReport checked(std::string_view response, std::string_view question = "") {
  return check_steps({question, response});
}

TEST(Steps, AWrongSubstitutionIsFoundAndTheRightChainPasses) {
  EXPECT_EQ(verdicts_of(checked("f'(2) = 3*(2)^2 - 62 + 2 = 34 - 12 + 2")),
            (Lines{"f'(2) = 3*(2)^2 - 62 + 2: unchecked", "3*(2)^2 - 62 + 2 = 34 - 12 + 2: wrong"}));
  EXPECT_EQ(verdicts_of(checked("so 12 - 12 + 2 = 2.")), Lines{"12 - 12 + 2 = 2: right"});
}

TEST(Steps, EquationsAreFoundInProseAndFormulas) {
  EXPECT_EQ(verdicts_of(checked("She sold 48 / 2 = 24 clips in May, and 48+24 = 72 in all.")),
            (Lines{"48 / 2 = 24: right", "48+24 = 72: right"}));
  EXPECT_EQ(verdicts_of(checked("Thus \\(\\frac{3}{4} \\cdot 8 = 6\\) and $$2^{10} = 1024$$.")),
            (Lines{"\\frac {3}{4} \\cdot  8 = 6: right", "2^{10} = 1024: right"}));
  EXPECT_EQ(verdicts_of(checked("5 apples * 3 = 15 apples")), Lines{"5  * 3 = 15: right"});
  EXPECT_EQ(verdicts_of(checked("$1,200 + $300 = $1,500")), Lines{"1200 + 300 = 1500: right"});
  EXPECT_EQ(verdicts_of(checked("12 \xC3\xB7 4 = 3, 6 \xC3\x97 7 = 42")),
            (Lines{"12 / 4 = 3: right", "6 * 7 = 42: right"}));
}

TEST(Steps, RoundedResultsAreToldApart) {
  EXPECT_EQ(verdicts_of(checked("10 / 3 = 3.33")), Lines{"10 / 3 = 3.33: rounded"});
  EXPECT_EQ(verdicts_of(checked("10 / 3 = 3.34")), Lines{"10 / 3 = 3.34: wrong"});
  EXPECT_EQ(verdicts_of(checked("10 / 3 = 3")), Lines{"10 / 3 = 3: wrong"});
}

TEST(Steps, RewritingsAreComparedWithWhatStoodBefore) {
  const StepsReport report = checked("2x + 3 = 7\n2x = 4\nx = 2\nx = 3");
  EXPECT_EQ(verdicts_of(report),
            (Lines{"2x + 3 = 7: unchecked", "2x = 4: rewriting", "x = 2: rewriting", "x = 3: unchecked"}));
  EXPECT_EQ(verdicts_of(checked("(x+1)^2 = x^2 + 2x + 1")), Lines{"(x+1)^2 = x^2 + 2x + 1: rewriting"});
}

TEST(Steps, IdentitiesAndRepeatedStepsSayNothing) {
  EXPECT_EQ(verdicts_of(checked("5 = 5\n7 + 0 = 7\n3 * 1 = 3\n2 + 2 = 4\n2 + 2 = 4")),
            (Lines{"5 = 5: trivial", "7 + 0 = 7: trivial", "3 * 1 = 3: trivial", "2 + 2 = 4: right",
                   "2 + 2 = 4: duplicate"}));
}

TEST(Steps, OperandsComeFromTheQuestionOrFromEarlierResults) {
  const StepsReport report =
      checked("48 / 2 = 24, 48 + 24 = 72, 72 * 9 = 648. The answer is 648.", "48 clips, half as many in May");
  ASSERT_EQ(report.steps.size(), 3u);
  EXPECT_TRUE(report.steps[0].unknown_operands.empty());
  EXPECT_TRUE(report.steps[1].unknown_operands.empty()) << "24 was derived";
  EXPECT_EQ(report.steps[2].unknown_operands, Lines{"9"});
  EXPECT_TRUE(report.concludes);
  EXPECT_FALSE(report.grounded);
}

constexpr const char* kQuestion = "Natalia sold 48 clips in April and half as many in May. How many in all?";
constexpr const char* kPath = "In May she sold 48/2 = 24 clips.\nIn all 48+24 = 72 clips.\nThe answer is \\boxed{72}.";

TEST(Steps, AWholePathScoresHigh) {
  const StepsReport report = checked(kPath, kQuestion);
  EXPECT_TRUE(report.derives);
  EXPECT_TRUE(report.concludes);
  EXPECT_TRUE(report.grounded);
  EXPECT_DOUBLE_EQ(report.score, 0.9);
}

TEST(Steps, AVerificationCounts) {
  const std::string path = std::string(kPath) + "\nCheck: 72 - 24 = 48, as given.";
  const StepsReport report = checked(path, kQuestion);
  EXPECT_TRUE(report.verified);
  EXPECT_DOUBLE_EQ(report.score, 1.0);
}

TEST(Steps, PaddingNeverRaisesTheScore) {
  const Lines paddings = {"1 + 1 = 2",       "5 = 5",         "48 = 48",       "72 = 72",         "48/2 = 24",
                          "100 * 10 = 1000", "48 + 0 = 48",   "48 clips = 48", "3 + 4 = 7",       "7 * 11 = 77",
                          "x = x",           "a + b = b + a", "Let me think.", "2 * 2 = 4 = 2^2", "60 * 60 = 3600"};
  const Lines paths = {kPath, "In all 48+24 = 73 clips. The answer is \\boxed{73}.", "The answer is \\boxed{72}.",
                       "48*3 = 144, so \\boxed{72}."};
  for (const std::string& path : paths) {
    const double before = checked(path, kQuestion).score;
    for (const std::string& padding : paddings) {
      EXPECT_LE(checked(padding + "\n" + path, kQuestion).score, before) << padding << " | " << path;
      EXPECT_LE(checked(padding + "\n" + padding + "\n" + path, kQuestion).score, before) << padding << " | " << path;
    }
    std::string all;
    for (const std::string& padding : paddings) all += padding + "\n";
    EXPECT_LE(checked(all + all + path, kQuestion).score, before) << path;
  }
}

TEST(Steps, EachWrongStepDivides) {
  const std::string wrong = std::string(kPath) + "\n48 * 2 = 90";
  EXPECT_DOUBLE_EQ(checked(wrong, kQuestion).score, 0.45);
}

TEST(Steps, RepetitionAndMixedLanguagesTakeAway) {
  std::string repeated = kPath;
  for (int i = 0; i < 20; ++i) repeated += "\nWait, let me think about this again and see whether it is right.";
  EXPECT_LT(checked(repeated, kQuestion).score, 0.4);
  const std::string mixed = std::string(kPath) + "\n所以答案是七十二个夹子因为四月卖了四十八个五月卖了一半";
  EXPECT_LT(checked(mixed, kQuestion).score, 0.75);
}

TEST(Steps, HostileTextIsReadInLinearTime) {
  for (const char* piece : {"=", "1=", "1+", "(", "\\frac", "\\boxed{", "x ", "**", "$"}) {
    std::string text;
    while (text.size() < 1'000'000) text += piece;
    EXPECT_LE(checked(text).score, 1.0) << piece;
  }
}

}  // namespace
}  // namespace retort::grade
