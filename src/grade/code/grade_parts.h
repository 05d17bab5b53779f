// The parts that grade_code.cc puts together: one for each language, and how a run's end becomes a verdict.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "grade/code/code_pool.h"
#include "grade/code/grade_code.h"

namespace retort::grade {

struct GradeContext {
  const GraderOptions& options;
  CodePool& pool;
  Limits limits;
};

/// A run that ended with exit code 0 is accepted here: whether what it did is right is for the caller to say.
TestResult result_of_run(const SandboxResult& run);

/// Adds the result of a test, and says whether to go on.
enum class Next { kGoOn, kStop };
Next add_result(const GradeRequest& request, TestResult result, GradeResult& grade);

/// All tests have this result, since none could run.
GradeResult all_failed(const GradeRequest& request, Verdict verdict, std::string message);

/// Runs a program on an input; nothing else is judged.
using RunProgram = std::function<Expected<SandboxResult>(const std::string& input)>;

Expected<GradeResult> grade_python(const GradeRequest& request, const GradeContext& context);
Expected<GradeResult> grade_python_asserts(const GradeRequest& request, const GradeContext& context);
Expected<GradeResult> grade_python_calls(const GradeRequest& request, const GradeContext& context);
Expected<GradeResult> grade_cpp(const GradeRequest& request, const GradeContext& context);

/// kStdio and kChecker, whatever the language.
Expected<GradeResult> grade_programs(const GradeRequest& request, const GradeContext& context, const RunProgram& run);

/// The line of a worker as JSON; what is none is an empty object.
Json message_of(const std::string& line);

}  // namespace retort::grade
