// Answers as trees, and what they are worth.
#include <gtest/gtest.h>
#include <string>

#include "grade/maths/grade_maths.h"
#include "grade/maths/lexer.h"
#include "grade/maths/parser.h"

namespace retort::grade {
namespace {

std::string tree_of(std::string_view text) {
  const auto parsed = parse_answer(text);
  return parsed ? to_text(*parsed) : "error: " + parsed.error().message();
}

TEST(MathsParser, ReadsFractionsAndRootsAsTheyAreWritten) {
  EXPECT_EQ(tree_of("\\frac{1}{2}"), "(1/2)");
  EXPECT_EQ(tree_of("\\frac12"), "(1/2)");
  EXPECT_EQ(tree_of("\\frac1{20}"), "(1/20)");
  EXPECT_EQ(tree_of("\\dfrac 59"), "(5/9)");
  EXPECT_EQ(tree_of("3\\frac{1}{2}"), "(3 + (1/2))") << "three and a half";
  EXPECT_EQ(tree_of("1 1/2"), "(1 + (1/2))");
  EXPECT_EQ(tree_of("3\\frac{x}{2}"), "(3*(x/2))");
  EXPECT_EQ(tree_of("\\sqrt2"), "sqrt(2)");
  EXPECT_EQ(tree_of("\\sqrt[3]{x}"), "root(x, 3)");
  EXPECT_EQ(tree_of("sqrt(2)/2"), "(sqrt(2)/2)");
}

TEST(MathsParser, ReadsNumbersOfManyKinds) {
  EXPECT_EQ(tree_of("1,234,567.5"), "1234567.5");
  EXPECT_EQ(tree_of("14{,}916"), "14916");
  EXPECT_EQ(tree_of("11,\\! 111"), "11111");
  EXPECT_EQ(tree_of("1 000"), "1000");
  EXPECT_EQ(tree_of("1, 000"), "1, 000");
  EXPECT_EQ(tree_of("(1,234)"), "(1, 234)") << "in brackets a comma separates";
  EXPECT_EQ(tree_of("204_5"), "204_5");
  EXPECT_EQ(tree_of("1.5e-3"), "1.5e-3");
  EXPECT_EQ(tree_of("0.\\overline{3}"), "(3/9)");
  EXPECT_EQ(tree_of("\\$32,\\!348"), "32348");
  EXPECT_EQ(tree_of("90^\\circ"), "90");
  EXPECT_EQ(tree_of("15\\mbox{ cm}^2"), "15");
  EXPECT_EQ(tree_of("\xEF\xBC\x91\xEF\xBC\x92\xEF\xBC\x85"), "12%") << "full-width digits";
}

TEST(MathsParser, ReadsFunctions) {
  EXPECT_EQ(tree_of("\\sin^2 2x + 1"), "((sin((2*x))^2) + 1)");
  EXPECT_EQ(tree_of("\\sin^{-1}(x)"), "arcsin(x)");
  EXPECT_EQ(tree_of("\\log_2 8"), "log(8, 2)");
  EXPECT_EQ(tree_of("\\sin x\\cos x"), "(sin(x)*cos(x))");
  EXPECT_EQ(tree_of("|x - |y||"), "abs((x + -abs(y)))");
  EXPECT_EQ(tree_of("5!"), "factorial(5)");
  EXPECT_EQ(tree_of("f(x+1)"), "f((x + 1))");
}

TEST(MathsParser, ReadsSetsAndRelations) {
  EXPECT_EQ(tree_of("(-\\infty, 2) \\cup [3, 4]"), "(-infinity, 2) union [3, 4]");
  EXPECT_EQ(tree_of("\\{1, 2\\}"), "{1, 2}");
  EXPECT_EQ(tree_of("\\{x \\mid x > 1\\}"), "x > 1");
  EXPECT_EQ(tree_of("0 < x \\le 3"), "0 < x <= 3");
  EXPECT_EQ(tree_of("x \\in [0, 1)"), "x in [0, 1)");
  EXPECT_EQ(tree_of("p = 5, q = 2; p = 7, q = 2"), "(p = 5, q = 2), (p = 7, q = 2)");
  EXPECT_EQ(tree_of("19, 46, and 82"), "19, 46, 82");
  EXPECT_EQ(tree_of("\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}"), "matrix2(1, 2, 3, 4)");
}

TEST(MathsParser, RefusesWhatIsNone) {
  for (const char* text : {"", "\\frac{1}", "(1, 2", "1 +", "{{{", "\\begin{pmatrix} 1 & 2 \\\\ 3 \\end{pmatrix}",
                           "5 7", "\\begin{cases} 1 \\end{cases}", "[1, 2, 3)", "\\text{open"}) {
    EXPECT_FALSE(parse_answer(text).has_value()) << text << ": " << tree_of(text);
  }
  const std::string deep = std::string(10'000, '(') + "1" + std::string(10'000, ')');
  EXPECT_EQ(parse_answer(deep).error().code(), ErrorCode::kOutOfRange);
  EXPECT_EQ(parse_answer(std::string(kMaxAnswerBytes + 1, '1')).error().code(), ErrorCode::kOutOfRange);
}

struct Pair {
  const char* gold;
  const char* pred;
  const char* reason;
};

std::string reason_of(const Pair& pair, const MathsRules& rules = {}) {
  const std::string boxed = "\\boxed{" + std::string(pair.pred) + "}";
  return std::string(to_string(grade_maths({pair.gold, boxed}, {.rules = rules}).reason));
}

TEST(MathsGrade, DecidesByWhatAnswersAreWorth) {
  for (const Pair& pair :
       std::initializer_list<Pair>{{"(\\sqrt2+\\sqrt3)^2", "5+2\\sqrt6", "equal_symbolic"},
                                   {"(\\sqrt2+\\sqrt3)^2", "5+2\\sqrt6+10^{-40}", "different"},
                                   {"\\cos\\frac{\\pi}{5}", "\\frac{1+\\sqrt5}{4}", "equal_symbolic"},
                                   {"1-1/e", "1+1/e", "different"},
                                   {"e^{i\\pi}", "-1", "equal_symbolic"},
                                   {"\\frac{x^2-1}{x-1}", "x+1", "equal_symbolic"},
                                   {"\\sin^2 x+\\cos^2 x", "1", "equal_numeric"},
                                   {"\\sqrt{x^2}", "x", "different"},
                                   {"\\binom{10}{3}", "120", "equal_symbolic"},
                                   {"2^{100}", "1267650600228229401496703205376", "equal_symbolic"},
                                   {"\\{1\\pm\\sqrt5, -2\\}", "-2, 1-\\sqrt5, 1+\\sqrt5", "unordered_set"},
                                   {"\\pm 3", "3", "different"},
                                   {"(1, 2)", "(2, 1)", "different"},
                                   {"x < 5", "(-\\infty, 5)", "equal_interval"},
                                   {"[0, 1]", "[0, 1)", "different"},
                                   {"x \\ne 3", "(-\\infty, 3) \\cup (3, \\infty)", "equal_interval"},
                                   {"x^2/4+y^2/3=1", "3x^2+4y^2=12", "equal_relation"},
                                   {"2x+z=1", "1", "different"},
                                   {"x=5", "5", "equal_symbolic"},
                                   {"3:4", "6:8", "equal_tuple"},
                                   {"\\text{east}", "East", "equal_text"},
                                   {"9^{9^{9^9}}", "1", "different"}}) {
    EXPECT_EQ(reason_of(pair), pair.reason) << pair.gold << " | " << pair.pred;
  }
}

TEST(MathsGrade, ProfilesDifferInWhatTheyForgive) {
  const auto equal = [](const Pair& pair, MathsProfile profile) {
    return reason_of(pair, {.profile = profile}).starts_with("equal") ||
           reason_of(pair, {.profile = profile}) == "unordered_set";
  };
  const Pair percent{"10", "10\\%", ""};
  EXPECT_FALSE(equal(percent, MathsProfile::kMathVerify));
  EXPECT_TRUE(equal(percent, MathsProfile::kQwen));
  EXPECT_TRUE(equal(percent, MathsProfile::kHendrycks));
  const Pair rounded{"1/3", "0.3333333", ""};
  EXPECT_TRUE(equal(rounded, MathsProfile::kMathVerify));
  EXPECT_TRUE(equal(rounded, MathsProfile::kQwen));
  EXPECT_FALSE(equal(rounded, MathsProfile::kStrict));
  const Pair labelled{"x=5", "5", ""};
  EXPECT_TRUE(equal(labelled, MathsProfile::kQwen));
  EXPECT_FALSE(equal(labelled, MathsProfile::kStrict));
  const Pair inequality{"(-\\infty, 5)", "x<5", ""};
  EXPECT_FALSE(equal(inequality, MathsProfile::kMathVerify)) << "its convention";
  EXPECT_TRUE(equal(inequality, MathsProfile::kQwen));
}

}  // namespace
}  // namespace retort::grade
