#include "grade/code/answer_worker.h"

#include <fmt/format.h>
#include <utility>

#include "core/json.h"

namespace retort::grade {

TestResult result_of_dead(const SandboxProcess& worker) {
  TestResult result = result_of_run(worker.result());
  if (result.verdict == Verdict::kAccepted) {
    result.verdict = Verdict::kRuntimeError;
    result.message = "it ended before it answered";
  }
  return result;
}

std::string raised_text(const Json& reply) {
  return fmt::format("{}: {}", json_string(reply, "raised", "?").value_or("?"),
                     json_string(reply, "message", "").value_or(""))
      .substr(0, 600);
}

Expected<std::optional<LoadFailure>> load_answer(SandboxProcess& worker, const std::string& source,
                                                 const GradeContext& context) {
  worker.restart_clock(context.limits.cpu_ms, wall_limit_ms(context.limits));
  worker.set_input("");
  worker.send_line(
      json_text(Json{{"part", "functions"}, {"source", source}}, {.non_ascii = JsonTextOptions::NonAscii::kEscape}));
  SandboxProcess* const all[] = {&worker};
  SandboxProcess::pump(all, [&] { return worker.has_line(); });
  const std::optional<std::string> line = worker.take_line();
  if (!line) {
    if (std::optional<Error> error = worker.refused()) return fail(*std::move(error));
    TestResult dead = result_of_dead(worker);
    return LoadFailure{dead.verdict, std::move(dead.message)};
  }
  const Json reply = message_of(*line);
  if (reply.contains("syntax"))
    return LoadFailure{Verdict::kCompileError, json_string(reply, "syntax", "").value_or("")};
  if (reply.contains("raised")) {
    const bool memory = reply["raised"] == "MemoryError";
    return LoadFailure{memory ? Verdict::kMemoryLimit : Verdict::kRuntimeError, raised_text(reply)};
  }
  return std::nullopt;  // what else it may say changes nothing: its answers are what counts
}

}  // namespace retort::grade
