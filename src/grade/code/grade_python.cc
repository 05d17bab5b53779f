// Python programs that read standard input; the other forms are in grade_asserts.cc and grade_calls.cc.
#include <utility>

#include "core/json.h"
#include "grade/code/grade_parts.h"

namespace retort::grade {
namespace {

struct ProgramRun {
  SandboxResult result;
  std::optional<std::string> syntax;  ///< why it does not parse
};

Expected<ProgramRun> run_python(const std::string& source, const std::string& input, const GradeContext& context) {
  RETORT_TRY(SandboxProcess process, context.pool.take(context.limits));
  process.restart_clock(context.limits.cpu_ms, wall_limit_ms(context.limits));
  process.set_input(input);
  process.send_line(
      json_text(Json{{"part", "program"}, {"source", source}}, {.non_ascii = JsonTextOptions::NonAscii::kEscape}));
  SandboxProcess* const all[] = {&process};
  SandboxProcess::pump(all, [] { return false; });
  if (std::optional<Error> error = process.refused()) return fail(*std::move(error));
  ProgramRun run = {.result = process.result()};
  // The first line is the harness's: the judged code runs only after it, and no longer has the descriptor.
  const Json first = message_of(process.take_line().value_or(""));
  if (const Json* syntax = json_find(first, "syntax"); syntax != nullptr && syntax->is_string()) {
    run.syntax = syntax->get<std::string>();
  }
  return run;
}

}  // namespace

Expected<GradeResult> grade_python(const GradeRequest& request, const GradeContext& context) {
  if (request.tests.form == TestForm::kAsserts) return grade_python_asserts(request, context);
  if (request.tests.form == TestForm::kCall) return grade_python_calls(request, context);
  std::optional<std::string> syntax;
  Expected<GradeResult> grade =
      grade_programs(request, context, [&](const std::string& input) -> Expected<SandboxResult> {
        RETORT_TRY(ProgramRun run, run_python(request.source, input, context));
        if (run.syntax) {
          syntax = std::move(run.syntax);
          return fail(ErrorCode::kInvalidArgument, "it does not parse");
        }
        return std::move(run.result);
      });
  if (syntax) return all_failed(request, Verdict::kCompileError, *std::move(syntax));
  return grade;
}

}  // namespace retort::grade
