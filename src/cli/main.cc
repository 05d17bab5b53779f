// retort: one program, a subcommand for each thing that a person wants done.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fmt/format.h>
#include <new>
#include <string>

#include "cli/command_line.h"
#include "cli/commands.h"
#include "core/log.h"
#include "core/version.h"
#include "kernels/dispatch.h"

namespace {

using retort::ErrorCode;
using retort::Status;
namespace cli = retort::cli;

Status choose_log_level(const std::string& option) {
  const char* environment = std::getenv("RETORT_LOG_LEVEL");
  const std::string word = !option.empty() ? option : environment ? environment : "info";
  RETORT_TRY(const retort::LogLevel level, retort::parse_log_level(word));
  retort::set_log_level(level);
  return {};
}

// What was printed must have arrived: a full disk behind a redirection is a failure, not a success.
Status flush_output() {
  errno = 0;
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    return retort::fail(ErrorCode::kIo, "cannot write standard output: {}",
                        errno != 0 ? std::strerror(errno) : "an earlier write failed");
  }
  return {};
}

/// Three lines: the release, the processor, and the kernels that it will run (or why none).
std::string version_text() {
  const auto table = retort::default_kernel_table();
  return fmt::format("retort {} ({})\nprocessor: {}\nkernels: {}", retort::version(), retort::build_description(),
                     retort::cpu_name(), table ? (*table)->name : table.error().message());
}

int run(int argc, char** argv) {
  cli::CommandLine command_line(
      "retort", "retort serves, evaluates, distills and trains R1-style reasoning models on the machines you own.",
      version_text);
  cli::Command program = command_line.program();
  std::string log_level;
  program.add("--log-level", log_level,
              "What goes to standard error: trace, debug, info, warn, error or off (or RETORT_LOG_LEVEL) [info]");
  program.footer(
      "MODEL is a Hugging Face folder, a .gguf file (any part of a split one) or a hub id such as org/name that\n"
      "'retort pull' has fetched. Exit codes: 0 fine, 1 failure, 2 wrong usage.");
  cli::add_bench(program);
  cli::add_chat(program);
  cli::add_detokenize(program);
  cli::add_forward(program);
  cli::add_grade(program);
  cli::add_inspect(program);
  cli::add_pack(program);
  cli::add_perplexity(program);
  cli::add_render(program);
  cli::add_pull(program);
  cli::add_quantize(program);
  cli::add_run(program);
  cli::add_tokenize(program);

  Status status;
  if (const auto exit_code = command_line.parse(argc, argv)) {
    if (*exit_code != cli::kExitOk) return *exit_code;  // else help or version, which must arrive as well
  } else {
    status = choose_log_level(log_level);
    if (status) status = command_line.chosen()();
  }
  if (status) status = flush_output();
  if (status) return cli::kExitOk;
  std::fflush(stdout);
  fmt::print(stderr, "retort: {}\n", status.error().message());
  return status.error().code() == ErrorCode::kInvalidArgument ? cli::kExitUsage : cli::kExitFailure;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "retort: out of memory\n");
  } catch (const std::exception& error) {
    fmt::print(stderr, "retort: this is a bug in retort: {}\n", error.what());
  }
  return cli::kExitFailure;
}
