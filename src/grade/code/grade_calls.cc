// Python functions that are called; this process holds the expected values and compares.
#include <fmt/format.h>
#include <utility>

#include "core/json.h"
#include "grade/code/answer_worker.h"
#include "grade/code/value_compare.h"

namespace retort::grade {
namespace {

void judge_reply(const std::string& line, const CodeCase& test, double tolerance, TestResult& result) {
  const Json reply = message_of(line);
  if (reply.contains("raised")) {
    result.verdict = reply["raised"] == "MemoryError" ? Verdict::kMemoryLimit : Verdict::kRuntimeError;
    result.message = raised_text(reply);
    return;
  }
  const Expected<Json> expected = parse_json(test.expected, "expected");
  if (!reply.contains("value") || !expected || !value_matches(reply["value"], *expected, tolerance)) {
    result.verdict = Verdict::kWrongAnswer;
    result.message = fmt::format("expected {} but found {}", test.expected.substr(0, 200),
                                 reply.contains("value") ? value_text(reply["value"]) : "no value");
  }
}

// One call in a worker that is ready.
TestResult call_once(SandboxProcess& worker, const CodeTests& tests, const CodeCase& test, const Limits& limits) {
  worker.restart_clock(limits.cpu_ms, wall_limit_ms(limits));
  worker.send_line(fmt::format(R"({{"call":{},"args":{},"kwargs":[]}})",
                               json_text(Json(tests.entry_point), {.non_ascii = JsonTextOptions::NonAscii::kEscape}),
                               test.input));
  SandboxProcess* const all[] = {&worker};
  SandboxProcess::pump(all, [&] { return worker.has_line(); });
  const std::optional<std::string> line = worker.take_line();
  if (!line) return result_of_dead(worker);
  TestResult result = {.wall_ms = worker.elapsed_ms(), .peak_memory = worker.result().peak_memory};
  judge_reply(*line, test, tests.tolerance, result);
  return result;
}

}  // namespace

Expected<GradeResult> grade_python_calls(const GradeRequest& request, const GradeContext& context) {
  GradeResult grade;
  std::optional<SandboxProcess> worker;
  for (const CodeCase& test : request.tests.cases) {
    if (!worker) {
      RETORT_TRY(SandboxProcess taken, context.pool.take(context.limits));
      worker.emplace(std::move(taken));
      RETORT_TRY(const std::optional<LoadFailure> failure, load_answer(*worker, request.source, context));
      if (failure && grade.tests.empty()) return all_failed(request, failure->verdict, failure->message);
      if (failure) {  // it loaded before: the answer does not do the same each time
        if (add_result(request, {.verdict = failure->verdict, .message = failure->message}, grade) == Next::kStop)
          break;
        worker.reset();
        continue;
      }
    }
    TestResult result = call_once(*worker, request.tests, test, context.limits);
    if (worker->ended()) worker.reset();
    if (add_result(request, std::move(result), grade) == Next::kStop) break;
  }
  return grade;
}

}  // namespace retort::grade
