// Programs that read standard input: their output is compared, or given to a checker.
#include <fmt/format.h>
#include <memory>
#include <utility>

#include "grade/code/cpp_compile.h"
#include "grade/code/grade_parts.h"
#include "grade/code/output_compare.h"

namespace retort::grade {
namespace {

// The checker's command; its three files are added for each run.
struct Checker {
  SandboxCommand command;
};

Expected<Checker> make_checker(const CodeTests& tests, const GradeContext& context) {
  Checker checker;
  checker.command.limits = context.limits;
  const SandboxTools& tools = context.options.tools;
  if (tests.checker_language == CodeLanguage::kPython) {
    checker.command.argv = {tools.python, "-s", "-B", "/box/checker.py"};
    checker.command.files = {{"/box/checker.py", tests.checker}};
  } else {
    RETORT_TRY(CppProgram program, compile_cpp({.source = tests.checker}, context.options.compile_limits, tools));
    if (!program.compiled) {
      return fail(ErrorCode::kCorrupt, "the tests' checker does not compile: {}", program.message);
    }
    checker.command.argv = {"/box/checker"};
    checker.command.files = {{"/box/checker", std::move(program.binary), SandboxFile::Mode::kExecute}};
  }
  for (const char* file : {"/box/input.txt", "/box/output.txt", "/box/expected.txt"}) {
    checker.command.argv.emplace_back(file);
  }
  return checker;
}

Status judge_by_checker(const Checker& checker, const CodeCase& test, const std::string& output,
                        const SandboxTools& tools, TestResult& result) {
  SandboxCommand command = checker.command;
  command.files.push_back({"/box/input.txt", test.input});
  command.files.push_back({"/box/output.txt", output});
  command.files.push_back({"/box/expected.txt", test.expected});
  RETORT_TRY(const SandboxResult run, run_sandboxed(command, tools));
  constexpr int kWrong = 1;
  constexpr int kMalformed = 2;
  if (run.end == SandboxEnd::kExited && run.exit_code == 0) return {};
  result.verdict = Verdict::kWrongAnswer;
  const std::string said = (run.err.empty() ? run.out : run.err).substr(0, 500);
  if (run.end == SandboxEnd::kExited && (run.exit_code == kWrong || run.exit_code == kMalformed)) {
    result.message = said.empty() ? "the checker refused it" : said;
  } else {
    result.message = fmt::format("the checker did not end as it should: {}", result_of_run(run).message);
  }
  return {};
}

}  // namespace

Expected<GradeResult> grade_programs(const GradeRequest& request, const GradeContext& context, const RunProgram& run) {
  GradeResult grade;
  std::optional<Checker> checker;
  if (request.tests.form == TestForm::kChecker) {
    RETORT_TRY(checker, make_checker(request.tests, context));
  }
  for (const CodeCase& test : request.tests.cases) {
    RETORT_TRY(const SandboxResult ran, run(test.input));
    TestResult result = result_of_run(ran);
    if (result.verdict == Verdict::kAccepted && checker) {
      RETORT_TRY_STATUS(judge_by_checker(*checker, test, ran.out, context.options.tools, result));
    } else if (result.verdict == Verdict::kAccepted) {
      if (std::optional<std::string> difference = output_difference(ran.out, test.expected, request.tests.tolerance)) {
        result.verdict = Verdict::kWrongAnswer;
        result.message = *std::move(difference);
      }
    }
    if (add_result(request, std::move(result), grade) == Next::kStop) break;
  }
  return grade;
}

}  // namespace retort::grade
