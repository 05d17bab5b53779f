// The code in a response, and the program that it makes.
#include "grade/code/extract_code.h"

#include <gtest/gtest.h>

namespace retort::grade {
namespace {

constexpr CodeLanguage kPythonCode = CodeLanguage::kPython;
constexpr CodeLanguage kCppCode = CodeLanguage::kCpp;

TEST(FencedCode, TakesTheLastOfItsLanguage) {
  EXPECT_EQ(fenced_code("a\n```python\none\n```\nb\n```python\ntwo\n```\nc", kPythonCode), "two\n");
  EXPECT_EQ(fenced_code("```python\none\n```\n```cpp\ntwo\n```", kPythonCode), "one\n");
  EXPECT_EQ(fenced_code("```python\none\n```\n```\noutput\n```", kPythonCode), "one\n");
  EXPECT_EQ(fenced_code("```C++\none\n```\n```\noutput\n```", kCppCode), "one\n");
  EXPECT_EQ(fenced_code("```\none\n```\n```text\ntwo\n```", kPythonCode), "one\n")
      << "unmarked before another language's";
  EXPECT_EQ(fenced_code("```text\none\n```", kPythonCode), "one\n");
}

TEST(FencedCode, OneThatIsNeverClosedReachesToTheEnd) {
  EXPECT_EQ(fenced_code("so:\n```python\none\ntwo", kPythonCode), "one\ntwo\n");
  EXPECT_EQ(fenced_code("```python", kPythonCode), "");
}

TEST(FencedCode, ThereMayBeNone) {
  EXPECT_EQ(fenced_code("no code at all", kPythonCode), std::nullopt);
  EXPECT_EQ(fenced_code("some ```inline``` code", kPythonCode), std::nullopt);
  EXPECT_EQ(fenced_code("", kPythonCode), std::nullopt);
}

TEST(FencedCode, FencesOfEveryKind) {
  EXPECT_EQ(fenced_code("~~~py\na = '''```'''\n~~~", kPythonCode), "a = '''```'''\n");
  EXPECT_EQ(fenced_code("````python\n```\ninner\n```\n````", kPythonCode), "```\ninner\n```\n");
  EXPECT_EQ(fenced_code("1. Do:\n   ```python\n   if x:\n       y\n   ```", kPythonCode), "if x:\n    y\n");
  EXPECT_EQ(fenced_code("```{.python .numberLines}\none\n```", kPythonCode), "one\n");
  EXPECT_EQ(fenced_code("```python\r\none\r\n```\r\n", kPythonCode), "one\n");
}

TEST(CodeOfResponse, ReasoningHoldsNone) {
  EXPECT_EQ(code_of_response("<think>```python\nno\n```</think>```python\nyes\n```", kPythonCode), "yes\n");
  EXPECT_EQ(code_of_response("<think>```python\nno\n```", kPythonCode), std::nullopt);
  EXPECT_EQ(code_of_response("print(1)", kPythonCode), "print(1)");
}

constexpr std::string_view kPrompt =
    "from typing import List\n\ndef helper(x):\n    return x\n\ndef solve(x):\n    \"\"\" Doc \"\"\"\n";

TEST(CompletedProgram, AContinuationFollowsThePrompt) {
  EXPECT_EQ(completed_program(kPrompt, "    return 1\n", "solve", kPythonCode),
            std::string(kPrompt) + "    return 1\n");
}

TEST(CompletedProgram, AWholeFunctionTakesItsPlace) {
  const std::string code = "def solve(x):\n    return helper(x)\n";
  EXPECT_EQ(completed_program(kPrompt, code, "solve", kPythonCode),
            "from typing import List\n\ndef helper(x):\n    return x\n\n" + code);
  EXPECT_EQ(completed_program(kPrompt, "    return solve_it(x)\ndef solve_it(x): pass\n", "solve", kPythonCode),
            std::string(kPrompt) + "    return solve_it(x)\ndef solve_it(x): pass\n")
      << "another name that begins the same";
  EXPECT_EQ(completed_program("", code, "solve", kPythonCode), code);
}

TEST(CompletedProgram, OfCpp) {
  const std::string prompt = "/*\nSums.\n*/\n#include<vector>\nusing namespace std;\nint total(vector<int> v){\n";
  EXPECT_EQ(completed_program(prompt, "    return 1;\n}\n", "", kCppCode), prompt + "    return 1;\n}\n");
  const std::string whole = "#include <vector>\nint total(std::vector<int> v) {\n  return 1;\n}\n";
  EXPECT_EQ(completed_program(prompt, whole, "", kCppCode),
            "/*\nSums.\n*/\n#include<vector>\nusing namespace std;\n" + whole);
}

}  // namespace
}  // namespace retort::grade
