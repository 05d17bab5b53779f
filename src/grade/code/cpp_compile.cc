#include "grade/code/cpp_compile.h"

#include <fmt/format.h>
#include <unistd.h>
#include <utility>

#include "grade/code/grade_parts.h"

namespace retort::grade {
namespace {

constexpr std::size_t kMessageBytes = 4096;
constexpr int kNoCompiler = 127;  // the shell's

}  // namespace

Expected<CppProgram> compile_cpp(const CppSource& source, const Limits& limits, const SandboxTools& tools) {
  // The program leaves through standard output: no folder is shared.
  constexpr std::string_view kFlags = "-std=gnu++17 -O2 -pipe -w -fmax-errors=20";
  std::string script;
  SandboxCommand command = {.files = {{"/box/answer.cc", source.source}}, .limits = limits};
  if (source.runner.empty()) {
    script = fmt::format("{} {} -o /tmp/program /box/answer.cc", tools.cxx, kFlags);
  } else {
    command.files.push_back({"/box/runner.c", source.runner});
    script = fmt::format(
        "{0} -w -O1 -x c -c -o /tmp/runner.o /box/runner.c && {0} {1} -o /tmp/program /tmp/runner.o /box/answer.cc",
        tools.cxx, kFlags);
  }
  command.argv = {"/bin/sh", "-c", script + " </dev/null >/dev/null && exec cat /tmp/program"};
  RETORT_TRY(SandboxResult run, run_sandboxed(command, tools));
  CppProgram program = {.wall_ms = run.wall_ms};
  if (run.end == SandboxEnd::kExited && run.exit_code == kNoCompiler) {
    return fail(ErrorCode::kUnsupported, "sandbox: no compiler at {}: install g++", tools.cxx);
  }
  if (run.end == SandboxEnd::kExited && run.exit_code == 0 &&
      run.out.starts_with("\x7f"
                          "ELF")) {
    program.compiled = true;
    program.binary = std::move(run.out);
    return program;
  }
  program.message =
      run.end == SandboxEnd::kExited ? run.err.substr(0, kMessageBytes) : "the compiler: " + result_of_run(run).message;
  return program;
}

}  // namespace retort::grade
