#include "grade/code/sandbox.h"

#include "grade/code/sandbox_limits.h"
#include "grade/code/sandbox_process.h"

namespace retort::grade {

Expected<SandboxResult> run_sandboxed(const SandboxCommand& command, const SandboxTools& tools) {
  RETORT_TRY(SandboxProcess process, SandboxProcess::start(command, tools));
  process.restart_clock(command.limits.cpu_ms, wall_limit_ms(command.limits));
  process.set_input(command.input);
  SandboxProcess* const all[] = {&process};
  SandboxProcess::pump(all, [] { return false; });
  if (std::optional<Error> error = process.refused()) return fail(*std::move(error));
  return process.result();
}

Status check_sandbox(const SandboxTools& tools) {
  RETORT_TRY(const SandboxResult result, run_sandboxed({.argv = {"/usr/bin/true"}}, tools));
  if (result.end == SandboxEnd::kExited && result.exit_code == 0) return {};
  return fail(refusal(result.err));
}

}  // namespace retort::grade
