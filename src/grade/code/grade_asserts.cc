// Python statements that assert: they run in one process and the answer's functions in another. This process carries
// calls and values between the two.
#include <fmt/format.h>
#include <utility>

#include "core/json.h"
#include "grade/code/answer_worker.h"

namespace retort::grade {
namespace {

constexpr JsonTextOptions kAscii = {.non_ascii = JsonTextOptions::NonAscii::kEscape};

struct AssertRun {
  SandboxProcess& tests;
  SandboxProcess& answer;

  void wait_for(const SandboxProcess& one) {
    SandboxProcess* const both[] = {&tests, &answer};
    SandboxProcess::pump(both, [&] { return one.has_line() || one.ended() || tests.ended(); });
  }
};

std::string tests_job(const CodeTests& tests) {
  return json_text(
      Json{{"part", "tests"}, {"setup", tests.setup}, {"tests", tests.asserts}, {"entry", tests.entry_point}}, kAscii);
}

// What the tests' process says of one test. It runs no judged code.
TestResult result_of_test(const Json& one) {
  if (json_bool(one, "passed", false).value_or(false)) return {};
  TestResult result = {.verdict = Verdict::kWrongAnswer, .message = json_string(one, "message", "").value_or("")};
  if (json_string(one, "kind", "").value_or("") == "raised") {
    result.verdict = result.message.starts_with("MemoryError") ? Verdict::kMemoryLimit : Verdict::kRuntimeError;
  }
  return result;
}

// Why the tests' process ended early: its limits are the answer's fault, since it only computes with what that returns.
Expected<TestResult> result_of_dead_tests(const SandboxProcess& tests) {
  if (std::optional<Error> error = tests.refused()) return fail(*std::move(error));
  TestResult result = result_of_run(tests.result());
  if (result.verdict == Verdict::kTimeLimit || result.verdict == Verdict::kMemoryLimit) return result;
  return fail(ErrorCode::kCorrupt, "the tests do not run by themselves: {}",
              result.message.empty() ? "they ended early" : result.message);
}

// Fills what is left of the tests with one result.
void add_rest(const GradeRequest& request, const TestResult& result, GradeResult& grade) {
  while (grade.tests.size() < request.tests.count()) {
    if (add_result(request, result, grade) == Next::kStop) return;
  }
}

Expected<GradeResult> talk(const GradeRequest& request, AssertRun run) {
  GradeResult grade;
  while (grade.tests.size() < request.tests.count()) {
    run.wait_for(run.tests);
    const std::optional<std::string> line = run.tests.take_line();
    if (!line) {
      RETORT_TRY(const TestResult dead, result_of_dead_tests(run.tests));
      add_rest(request, dead, grade);
      break;
    }
    const Json said = message_of(*line);
    if (const Json* one = json_find(said, "one")) {
      TestResult result = result_of_test(*one);
      result.wall_ms = run.tests.elapsed_ms();
      result.peak_memory = run.answer.result().peak_memory;
      if (add_result(request, std::move(result), grade) == Next::kStop) break;
      continue;
    }
    run.answer.send_line(*line);
    run.wait_for(run.answer);
    if (std::optional<std::string> reply = run.answer.take_line()) {
      run.tests.send_line(*reply);
    } else if (run.answer.ended()) {
      add_rest(request, result_of_dead(run.answer), grade);
      break;
    }
  }
  return grade;
}

}  // namespace

Expected<GradeResult> grade_python_asserts(const GradeRequest& request, const GradeContext& context) {
  RETORT_TRY(SandboxProcess answer, context.pool.take(context.limits));
  RETORT_TRY(SandboxProcess tests, context.pool.take(context.limits));
  // They read their part while the answer is loaded.
  tests.restart_clock(context.limits.cpu_ms, 2 * wall_limit_ms(context.limits));
  tests.set_input("");
  tests.send_line(tests_job(request.tests));
  RETORT_TRY(const std::optional<LoadFailure> failure, load_answer(answer, request.source, context));
  if (failure) return all_failed(request, failure->verdict, failure->message);
  return talk(request, {tests, answer});
}

}  // namespace retort::grade
