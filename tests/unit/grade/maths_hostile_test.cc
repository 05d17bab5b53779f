// A thousand answers made to hang, crash or pass: towers of powers, ten thousand brackets, a megabyte, deep roots, huge
// factorials. Each is decided in time, none is right, and the grader goes on.
#include <chrono>
#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "grade/maths/maths_worker.h"

namespace retort::grade {
namespace {

using Clock = std::chrono::steady_clock;

std::string repeated(const std::string& text, std::size_t count) {
  std::string out;
  out.reserve(text.size() * count);
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}
std::string nested(const std::string& open, const std::string& inside, const std::string& close, std::size_t depth) {
  return repeated(open, depth) + inside + repeated(close, depth);
}
std::string boxed(const std::string& text) { return "\\boxed{" + text + "}"; }

/// Families of attacks, each told by a size.
const std::vector<std::function<std::string(std::size_t)>>& attacks() {
  static const std::vector<std::function<std::string(std::size_t)>> families = {
      [](std::size_t n) { return boxed(repeated("9^", n) + "9"); },
      [](std::size_t n) { return boxed(nested("9^{", "9", "}", n)); },
      [](std::size_t n) { return boxed(nested("{", "42", "}", n) + "1"); },
      [](std::size_t n) { return boxed(nested("(", "41", ")", n)); },
      [](std::size_t n) { return boxed(nested("\\sqrt{2+", "2", "}", n)); },
      [](std::size_t n) { return boxed(nested("\\frac{1}{1+", "1", "}", n)); },
      [](std::size_t n) { return boxed(repeated("\\sqrt{" + std::to_string(n) + "}+", n % 97 + 2) + "1"); },
      [](std::size_t n) { return boxed(std::to_string(n) + "99!" + repeated("!", n % 50)); },
      [](std::size_t n) { return boxed("10^{" + repeated("9", n % 300 + 2) + "}"); },
      [](std::size_t n) { return boxed("(1+x+y+z)^{" + std::to_string(n) + "}"); },
      [](std::size_t n) { return boxed(repeated("(1+x)", n) + "=" + repeated("(1+y)", n)); },
      [](std::size_t n) {
        return boxed("\\binom{" + repeated("9", n % 40 + 2) + "}{" + repeated("4", n % 40 + 2) + "}");
      },
      [](std::size_t n) { return boxed(repeated("\\pm 1", n)); },
      [](std::size_t n) { return boxed(repeated("1,", n) + "1"); },
      [](std::size_t n) { return boxed("\\{" + repeated("\\pm x,", n) + "1\\}"); },
      [](std::size_t n) { return repeated("\\boxed{", n); },
      [](std::size_t n) { return repeated("\\(", n) + repeated("\\[", n) + repeated("$", n | 1); },
      [](std::size_t n) { return repeated("answer is ", n); },
      [](std::size_t n) { return repeated("1,234 ", n) + "5"; },
      [](std::size_t n) { return boxed("\\begin{pmatrix}" + repeated("1&", n) + "1\\end{pmatrix}^3"); },
      [](std::size_t n) { return boxed("\\text{" + repeated("\\text{", n)); },
      [](std::size_t n) { return boxed("1e" + std::to_string(n * 99'999'999)); },
      [](std::size_t n) { return boxed("\\log_{1}{" + std::to_string(n) + "} + 0/0 + 0^{-1}"); },
      [](std::size_t n) { return boxed(nested("\\sin(", "1", ")", n)); },
      [](std::size_t n) { return boxed(repeated(std::string("\xff\xfe\x00\x80", 4), n)); },
      [](std::size_t n) { return boxed(repeated("|", n) + "x" + repeated("|", n)); },
      [](std::size_t n) {
        return boxed("2^{1/" + std::to_string(n + 2) + "}+3^{1/" + std::to_string(n + 3) + "}+5^{1/7}");
      },
      [](std::size_t n) { return boxed("e^{" + nested("e^{", "1", "}", n) + "}"); },
      [](std::size_t n) { return boxed("\\Gamma(" + std::to_string(n) + "999)!!"); },
      [](std::size_t n) { return boxed(repeated("x_{", n) + repeated("}", n)); },
  };
  return families;
}

TEST(MathsHostile, AThousandAnswersNeitherHangNorCrashNorPass) {
  MathsGrader grader(
      {.worker = {RETORT_PROGRAM, "grade", "maths", "--worker"}, .deadline = std::chrono::milliseconds(1'000)});
  const std::vector<std::size_t> sizes = {1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987, 1'597, 2'584};
  const std::vector<std::string> golds = {"42", "x^2+1"};
  std::size_t count = 0;
  std::chrono::milliseconds longest{0};
  for (std::size_t family = 0; family < attacks().size(); ++family) {
    for (const std::size_t size : sizes) {
      const std::string answer = attacks()[family](size);
      for (const std::string& gold : golds) {
        const auto begin = Clock::now();
        const Expected<MathsVerdict> verdict = grader.grade({gold, answer});
        const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin);
        longest = std::max(longest, took);
        ++count;
        ASSERT_TRUE(verdict.has_value()) << verdict.error().message();
        EXPECT_FALSE(verdict->equal()) << "family " << family << ", size " << size << ", gold " << gold;
        EXPECT_LT(took.count(), 5'000) << "family " << family << ", size " << size;
      }
    }
  }
  EXPECT_GE(count, 1'000u);
  std::printf("%zu answers, the longest %lld ms\n", count, static_cast<long long>(longest.count()));
  const Expected<MathsVerdict> after = grader.grade({"\\frac{1}{2}", "\\boxed{0.5}"});
  ASSERT_TRUE(after.has_value());
  EXPECT_TRUE(after->equal()) << "the grader still works";
}

TEST(MathsHostile, AMegabyteIsReadOnce) {
  MathsGrader grader(
      {.worker = {RETORT_PROGRAM, "grade", "maths", "--worker"}, .deadline = std::chrono::milliseconds(2'000)});
  for (const std::string& text :
       {std::string(1 << 20, '1'), std::string(1 << 20, '('), repeated("\\boxed{1} ", 100'000), repeated("$", 1 << 20),
        repeated("a ", 1 << 19), nested("\\boxed{", "42", "}", 100'000)}) {
    const Expected<MathsVerdict> verdict = grader.grade({"42", text});
    ASSERT_TRUE(verdict.has_value());
    EXPECT_FALSE(verdict->equal());
    EXPECT_NE(verdict->reason, Reason::kTimeout);
  }
}

TEST(MathsWorker, ADeadlineHoldsAndTheNextAnswerIsGraded) {
  // A program that never answers.
  MathsGrader grader({.worker = {"/bin/sleep", "60"}, .deadline = std::chrono::milliseconds(100)});
  const auto begin = Clock::now();
  const Expected<MathsVerdict> verdict = grader.grade({"x+1", "\\boxed{1+x}"});
  ASSERT_TRUE(verdict.has_value());
  EXPECT_EQ(verdict->reason, Reason::kTimeout);
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(10));
}

TEST(MathsWorker, AProgramThatDiesIsAVerdictAndOneThatIsMissingAnError) {
  MathsGrader dies({.worker = {"/bin/false"}});
  const Expected<MathsVerdict> verdict = dies.grade({"x+1", "\\boxed{1+x}"});
  ASSERT_TRUE(verdict.has_value());
  EXPECT_EQ(verdict->reason, Reason::kWorkerDied);
  MathsGrader missing({.worker = {"/nowhere/retort"}});
  EXPECT_FALSE(missing.grade({"x+1", "\\boxed{1+x}"}).has_value());
}

}  // namespace
}  // namespace retort::grade
