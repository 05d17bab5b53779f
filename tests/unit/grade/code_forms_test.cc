// The forms of tests, in both languages, and what their verdicts are on ordinary programs.
#include "code_testing.h"
#include "testing/expect_error.h"

namespace retort::grade {
namespace {

constexpr CodeLanguage kPy = CodeLanguage::kPython;
constexpr CodeLanguage kCpp = CodeLanguage::kCpp;

class CodeForms : public ::testing::Test {
 protected:
  void SetUp() override { RETORT_SANDBOX_OR_SKIP(); }
  GradeResult grade(CodeLanguage language, const std::string& source, const std::string& tests) {
    return grade_with(grader_, language, source, tests);
  }
  CodeGrader grader_{{.limits = quick_limits(), .warm = 1}};
};

constexpr const char* kSums =
    R"({"type": "stdio", "cases": [{"input": "1 2\n", "output": "3"}, {"input": "5 5\n", "output": "10\n"}]})";

TEST_F(CodeForms, ProgramsReadAndWrite) {
  GradeResult result = grade(kPy, "a, b = map(int, input().split())\nprint(a + b)", kSums);
  EXPECT_EQ(result.verdict, Verdict::kAccepted) << result.message;
  EXPECT_EQ(result.passed, 2U);
  ASSERT_EQ(result.tests.size(), 2U);
  EXPECT_GT(result.tests[0].cpu_ms, 0);
  result = grade(kPy, "print(3)", kSums);
  EXPECT_EQ(result.verdict, Verdict::kWrongAnswer);
  EXPECT_EQ(result.message, "line 1: expected '10' but found '3'");
  EXPECT_EQ(result.passed, 1U);
  EXPECT_EQ(result.total, 2U);
}

TEST_F(CodeForms, APythonProgramIsAScript) {
  EXPECT_EQ(grade(kPy, "import sys\nif __name__ == '__main__':\n  print(len(sys.argv))\n  exit()", stdio_tests("", "1"))
                .verdict,
            Verdict::kAccepted);
  EXPECT_EQ(grade(kPy, "import atexit\natexit.register(print, 'b')\nprint('a')", stdio_tests("", "a\nb")).verdict,
            Verdict::kAccepted);
  EXPECT_EQ(
      grade(kPy, "import sys\nfor l in sys.stdin: print(l.strip()[::-1])", stdio_tests("ab\ncd", "ba\ndc")).verdict,
      Verdict::kAccepted);
  EXPECT_EQ(grade(kPy, "import os\nprint(os.read(0, 100).decode())", stdio_tests("é", "é")).verdict,
            Verdict::kAccepted);
}

TEST_F(CodeForms, PythonErrorsAreTold) {
  GradeResult result = grade(kPy, "print(1)\nraise KeyError('here')", stdio_tests("", "1"));
  EXPECT_EQ(result.verdict, Verdict::kRuntimeError);
  EXPECT_EQ(result.message, "exit code 1: KeyError: 'here'");
  result = grade(kPy, "print(1", stdio_tests("", "1"));
  EXPECT_EQ(result.verdict, Verdict::kCompileError);
  EXPECT_NE(result.message.find("SyntaxError"), std::string::npos) << result.message;
  EXPECT_EQ(grade(kPy, std::string("print(1)\0", 9), stdio_tests("", "1")).verdict, Verdict::kCompileError);
  EXPECT_EQ(grade(kPy, "", stdio_tests("", "1")).verdict, Verdict::kWrongAnswer);
}

TEST_F(CodeForms, CppProgramsReadAndWrite) {
  const char* source = "#include <bits/stdc++.h>\nint main() { int a, b; std::cin >> a >> b; std::cout << a + b; }";
  GradeResult result = grade(kCpp, source, kSums);
  EXPECT_EQ(result.verdict, Verdict::kAccepted) << result.message;
  EXPECT_EQ(result.passed, 2U);
  result = grade(kCpp, "int main() { return undeclared; }", kSums);
  EXPECT_EQ(result.verdict, Verdict::kCompileError);
  EXPECT_NE(result.message.find("undeclared"), std::string::npos) << result.message;
}

TEST_F(CodeForms, ACheckerJudgesWhatHasManyAnswers) {
  const std::string checker = R"(
import sys
n = int(open(sys.argv[1]).read())
a, b = map(int, open(sys.argv[2]).read().split())
sys.exit(0 if a + b == n and open(sys.argv[3]).read() == 'any' else 'the sum is %d' % (a + b)))";
  const Json tests = {{"type", "checker"},
                      {"checker", {{"language", "python"}, {"source", checker}}},
                      {"cases", {{{"input", "7"}, {"output", "any"}}}}};
  EXPECT_EQ(grade(kPy, "print(3, 4)", json_text(tests)).verdict, Verdict::kAccepted);
  EXPECT_EQ(grade(kPy, "print(6, 1)", json_text(tests)).verdict, Verdict::kAccepted);
  const GradeResult wrong = grade(kPy, "print(6, 2)", json_text(tests));
  EXPECT_EQ(wrong.verdict, Verdict::kWrongAnswer);
  EXPECT_EQ(wrong.message, "the sum is 8\n");
  EXPECT_EQ(grade(kPy, "print('x')", json_text(tests)).verdict, Verdict::kWrongAnswer);
}

TEST_F(CodeForms, ACheckerMayBeCpp) {
  const std::string checker =
      "#include <fstream>\nint main(int, char** v) { std::ifstream o(v[2]); int x = 0; o >> x; return x % 2; }";
  const Json tests = {
      {"type", "checker"}, {"checker", {{"language", "cpp"}, {"source", checker}}}, {"cases", {{{"input", ""}}}}};
  EXPECT_EQ(grade(kPy, "print(4)", json_text(tests)).verdict, Verdict::kAccepted);
  EXPECT_EQ(grade(kPy, "print(5)", json_text(tests)).verdict, Verdict::kWrongAnswer);
}

TEST_F(CodeForms, FunctionsAreCalled) {
  const char* tests = R"({"type": "call", "entry_point": "f", "cases": [
      {"args": [2, [1.5, "é"]], "expected": [[1.5, "é"], [1.5, "é"]]},
      {"args": [0, {"a": null}], "expected": []}]})";
  GradeResult result = grade(kPy, "def f(n, x): return (x,) * n", tests);
  EXPECT_EQ(result.verdict, Verdict::kAccepted) << result.message;
  EXPECT_EQ(result.passed, 2U);
  result = grade(kPy, "def f(n, x):\n  print('noise')\n  return [x] * 2", tests);
  EXPECT_EQ(result.verdict, Verdict::kWrongAnswer);
  EXPECT_EQ(result.passed, 1U);
  EXPECT_EQ(grade(kPy, "def g(n, x): pass", tests).verdict, Verdict::kRuntimeError);
  EXPECT_EQ(grade(kPy, "def f(n): pass", tests).message.substr(0, 10), "TypeError:");
}

TEST_F(CodeForms, MethodsAreCalledOnANewObject) {
  const char* tests = R"({"type": "call", "entry_point": "Solution.next", "cases": [
      {"args": [], "expected": 1}, {"args": [], "expected": 1}]})";
  EXPECT_EQ(
      grade(kPy,
            "class Solution:\n  def __init__(self): self.n = 0\n  def next(self):\n    self.n += 1\n    return self.n",
            tests)
          .verdict,
      Verdict::kAccepted);
}

TEST_F(CodeForms, ACallThatDiesDoesNotTakeTheOthersAlong) {
  const char* tests = R"({"type": "call", "entry_point": "f", "cases": [
      {"args": [1], "expected": 1}, {"args": [0], "expected": 0}, {"args": [2], "expected": 2}]})";
  GradeResult result = grade(kPy, "import os\ndef f(n): return n if n else os._exit(0)", tests);
  EXPECT_EQ(result.verdict, Verdict::kRuntimeError);
  EXPECT_EQ(result.passed, 2U);
  result = grade(kPy, "def f(n):\n  while n == 0: pass\n  return n", tests);
  EXPECT_EQ(result.verdict, Verdict::kTimeLimit);
  EXPECT_EQ(result.passed, 2U);
}

TEST_F(CodeForms, StopsAtAFailureWhereToldTo) {
  GradeRequest request = {.source = "print(1)",
                          .tests = {.cases = {{"", "1"}, {"", "2"}, {"", "1"}}},
                          .after = GradeRequest::After::kStopAtFailure};
  const Expected<GradeResult> result = grader_.grade(request);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->verdict, Verdict::kWrongAnswer);
  EXPECT_EQ(result->tests.size(), 2U);
  EXPECT_EQ(result->total, 3U);
}

// HumanEval's form: helpers in the prompt, a check() that calls `candidate`.
constexpr const char* kHumanEval = R"j({"type": "humaneval", "entry_point": "solve",
  "prompt": "import math\ndef helper(x):\n    return x * 2\n\n\ndef solve(x):\n    \"\"\" Half of helper(x). \"\"\"\n",
  "test": "def check(candidate):\n    assert candidate(3) == 3\n    assert helper(candidate(4)) == 8\n    assert math.isclose(candidate(0.5), 0.5)\n"})j";

TEST_F(CodeForms, ChecksOfHumanEval) {
  EXPECT_EQ(grade(kPy, "def solve(x): return x", kHumanEval).verdict, Verdict::kAccepted);
  const GradeResult wrong = grade(kPy, "def solve(x): return x + 1", kHumanEval);
  EXPECT_EQ(wrong.verdict, Verdict::kWrongAnswer);
  EXPECT_TRUE(wrong.message.starts_with("AssertionError")) << wrong.message;
  EXPECT_EQ(grade(kPy, "def solve(x): return 1 / 0", kHumanEval).verdict, Verdict::kRuntimeError);
  EXPECT_EQ(grade(kPy, "def solve(x):\n  while True: pass", kHumanEval).verdict, Verdict::kTimeLimit);
  EXPECT_EQ(grade(kPy, "def solve(x): return bytearray(1 << 40)", kHumanEval).verdict, Verdict::kMemoryLimit);
  EXPECT_EQ(grade(kPy, "def solve(x) return", kHumanEval).verdict, Verdict::kCompileError);
}

TEST_F(CodeForms, StatementsOfMbpp) {
  const char* tests = R"j({"type": "mbpp", "test_imports": ["import math"], "test_list": [
      "assert set(f((1, 2))) == {1, 2}", "assert f((1, 2)) == [2, 1]", "assert math.isclose(g(2), 0.5)"]})j";
  GradeResult result = grade(kPy, "def f(x): return list(reversed(x))\ndef g(x): return 1 / x", tests);
  EXPECT_EQ(result.verdict, Verdict::kAccepted) << result.message;
  EXPECT_EQ(result.passed, 3U);
  result = grade(kPy, "def f(x): return list(x)\ndef g(x): return 1 / x", tests);
  EXPECT_EQ(result.verdict, Verdict::kWrongAnswer);
  EXPECT_EQ(result.passed, 2U);
}

TEST_F(CodeForms, StatementsMayNameWhatOnlyTheAnswerHas) {
  const char* tests = R"j({"type": "mbpp", "entry_point": "sum", "test_list": [
      "assert sum(3) == 6", "assert other(2) == 3", "assert sys.getsizeof(1) > 0 and math.pi > other(2)"]})j";
  const GradeResult result =
      grade(kPy, "import math, sys\ndef sum(n): return n * 2\ndef other(n): return n + 1", tests);
  EXPECT_EQ(result.verdict, Verdict::kAccepted) << result.message;
}

TEST_F(CodeForms, ValuesOfEveryKindCrossOver) {
  const char* tests = R"j({"type": "asserts", "setup":
     "import collections, decimal, fractions, math", "asserts": [
     "for x in [None, True, 0, -1, 2**53, -2**2000, 1.5, float('inf'), '', 'é😀\\x00', '\\ud800', b'\\x00\\xff', 1+2j, (), (1, (2,)), [], [[1], 'a'], {1, 2}, frozenset({1}), {}, {1: 'a', (1, 2): [3]}, collections.deque([1]), decimal.Decimal('1.10'), fractions.Fraction(1, 3)]:\n  y = echo(x)\n  assert y == x and type(y) is type(x), (x, y)",
     "assert math.isnan(echo(float('nan')))",
     "assert list(count(3)) == [0, 1, 2] and count(3) != [0, 1, 2]",
     "assert total([Pair(1, 2), Pair(3, 4)]) == 10",
     "assert echo(x=5) == 5",
     "try:\n  fails()\n  assert False, 'no error'\nexcept ZeroDivisionError: pass"]})j";
  const GradeResult result = grade(kPy, R"(
class Pair:
    def __init__(self, a, b): self.a, self.b = a, b
def total(pairs): return sum(p.a + p.b for p in pairs)
def echo(x): return x
def count(n): return iter(range(n))
def fails(): 1 / 0
)",
                                   tests);
  EXPECT_EQ(result.verdict, Verdict::kAccepted) << result.message;
  EXPECT_EQ(result.passed, 6U);
}

TEST_F(CodeForms, TestsThatDoNotRunAreAnError) {
  GradeRequest request = {
      .source = "def f(): pass",
      .tests = {.form = TestForm::kAsserts, .setup = "import no_such_module", .asserts = {"assert True"}}};
  testing::expect_error(grader_.grade(request), ErrorCode::kCorrupt, {"tests do not run", "no_such_module"});
}

TEST_F(CodeForms, CppAsserts) {
  const char* tests =
      R"j({"type": "humaneval", "prompt": "#include <vector>\nusing namespace std;\nint total(vector<int> v){\n",
      "test": "#undef NDEBUG\n#include <assert.h>\nint main(){\n  assert (total({1, 2}) == 3);\n  assert (total({}) == 0);\n}\n"})j";
  const std::string start = "#include <vector>\nusing namespace std;\nint total(vector<int> v){\n";
  GradeResult result = grade(kCpp, start + "int s = 0; for (int x : v) s += x; return s; }", tests);
  EXPECT_EQ(result.verdict, Verdict::kAccepted) << result.message;
  result = grade(kCpp, start + "return 3; }\nint main() { return 1; }", tests);
  EXPECT_EQ(result.verdict, Verdict::kWrongAnswer) << result.message;
  EXPECT_NE(result.message.find("total({}) == 0"), std::string::npos) << result.message;
  EXPECT_EQ(grade(kCpp, start + "return 1 }", tests).verdict, Verdict::kCompileError);
  EXPECT_EQ(grade(kCpp, start + "return v.data()[1L << 40]; }", tests).verdict, Verdict::kRuntimeError);
}

TEST_F(CodeForms, ManyAtOnceStandInTheirPlaces) {
  std::vector<GradeRequest> requests;
  for (int i = 0; i < 24; ++i) {
    requests.push_back({.source = "print(" + std::to_string(i) + ")",
                        .tests = {.cases = {{"", i % 3 == 0 ? "no" : std::to_string(i)}}}});
  }
  const std::vector<Expected<GradeResult>> results = grade_all(grader_, requests, 4);
  ASSERT_EQ(results.size(), 24U);
  for (int i = 0; i < 24; ++i) {
    ASSERT_TRUE(results[i]) << results[i].error().message();
    EXPECT_EQ(results[i]->verdict, i % 3 == 0 ? Verdict::kWrongAnswer : Verdict::kAccepted) << results[i]->message;
  }
}

}  // namespace
}  // namespace retort::grade
