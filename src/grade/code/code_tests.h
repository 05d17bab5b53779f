// What judged code is tested with.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/json_fwd.h"

namespace retort::grade {

enum class CodeLanguage { kPython, kCpp };
/// "python", "cpp" (or "py", "python3", "c++", "cxx"); nothing for another name.
std::optional<CodeLanguage> code_language_from(std::string_view name);
std::string_view to_string(CodeLanguage language);

/// How an answer is tested, and what a pass is worth.
enum class TestForm {
  /// A program reads standard input; this process compares what it writes. The expected output never enters the
  /// sandbox:
  /// nothing but the right output passes.
  kStdio,
  /// The same, but a program of the tests judges the output, in a sandbox of its own.
  kChecker,
  /// A Python function, or a method of a class (LeetCode's form), is called; this process compares what it returns. The
  /// expected values never enter the sandbox: nothing but the right values passes.
  kCall,
  /// Statements that assert (HumanEval, MBPP). Python: they run in a sandbox of their own, and the answer's functions
  /// in
  /// another; values go to and fro as plain data. So the answer cannot end, patch, trace or read the tests; it sees
  /// only
  /// the arguments. Not carried over: changes that a function makes to its arguments, and methods of what it returns.
  /// C++: answer and tests are one program. A pass needs a random word that the end of main() alone prints, so that
  /// exit(0), a crash, a redefined assert or a printed "passed" fail. Code that sets out to search the memory of its
  /// own process for that word could pass: do not train on this form.
  kAsserts,
};
std::string_view to_string(TestForm form);

struct CodeCase {
  std::string input;     ///< kStdio, kChecker: standard input. kCall: the arguments, a JSON array
  std::string expected;  ///< kStdio: the output. kChecker: given to the checker. kCall: the value, JSON
};

struct CodeTests {
  TestForm form = TestForm::kStdio;
  std::vector<CodeCase> cases;
  double tolerance = 0;     ///< of numbers; kStdio: 0 compares them exactly
  std::string entry_point;  ///< kCall: "f" or "Solution.f". kAsserts: the function that they know as `candidate`
  std::string setup;        ///< kAsserts, Python: runs before the statements. C++: stands before the answer
  std::vector<std::string> asserts;  ///< kAsserts: Python statements; C++: one text, with main()
  std::string prompt;                ///< the beginning of a function that the answer may continue; empty for none
  CodeLanguage checker_language = CodeLanguage::kPython;
  std::string checker;  ///< kChecker: a program; see docs/grading-code.md

  /// Of the results.
  [[nodiscard]] std::size_t count() const { return form == TestForm::kAsserts ? asserts.size() : cases.size(); }
};

/// Reads the JSON of docs/grading-code.md. kCorrupt and kNotFound name the field; `what` begins the message.
Expected<CodeTests> read_code_tests(const Json& json, CodeLanguage language, std::string_view what);

}  // namespace retort::grade
