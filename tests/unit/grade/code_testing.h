// What the tests of judged code share.
#pragma once

#include <gtest/gtest.h>
#include <string>
#include <utility>

#include "core/json.h"
#include "grade/code/grade_code.h"
#include "grade/code/sandbox.h"

namespace retort::grade {

/// Small limits, so that what runs into them does so soon.
inline Limits quick_limits() {
  return {.cpu_ms = 1000, .wall_ms = 3000, .memory_bytes = 256 << 20, .output_bytes = 1 << 20, .file_bytes = 32 << 20};
}

/// What a test expects of `tests` (JSON) on `source`, under quick_limits().
inline GradeResult grade_with(CodeGrader& grader, CodeLanguage language, const std::string& source,
                              const std::string& tests) {
  GradeRequest request = {.language = language, .source = source, .limits = quick_limits()};
  Expected<CodeTests> read = read_code_tests(parse_json(tests, "tests").value(), language, "tests");
  if (!read) {
    ADD_FAILURE() << read.error().message();
    return {.verdict = Verdict::kSandboxRefused};
  }
  request.tests = *std::move(read);
  const Expected<GradeResult> result = grader.grade(request);
  if (!result) {
    ADD_FAILURE() << result.error().message();
    return {.verdict = Verdict::kSandboxRefused, .message = result.error().message()};
  }
  return *result;
}

inline std::string stdio_tests(const std::string& input, const std::string& output) {
  return json_text(Json{{"type", "stdio"}, {"cases", {{{"input", input}, {"output", output}}}}});
}

/// GoogleTest prints enums as numbers.
inline void PrintTo(Verdict verdict, std::ostream* out) { *out << to_string(verdict); }

}  // namespace retort::grade

/// In SetUp() or a test: skips it, saying why, where nothing can run in a sandbox.
#define RETORT_SANDBOX_OR_SKIP()                                   \
  if (const auto there = ::retort::grade::check_sandbox(); !there) \
  GTEST_SKIP() << "no sandbox here: " << there.error().message()
