// retort: one program, a subcommand for each thing that a person wants done.
#include <cstdio>
#include <fmt/format.h>
#include <string>

#include "cli/command.h"
#include "core/log.h"
#include "core/version.h"
#include <CLI/CLI.hpp>

namespace {

int run(int argc, char** argv) {
  CLI::App app{"retort serves, evaluates, distills and trains R1-style reasoning models on the machines you own.",
               "retort"};
  app.set_version_flag("--version", fmt::format("retort {} ({})", retort::version(), retort::build_description()));
  app.require_subcommand(1);
  retort::cli::Action action;

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? retort::cli::kExitOk : retort::cli::kExitUsage;
  }
  if (const auto status = action(); !status) {
    fmt::print(stderr, "retort: {}\n", status.error().message());
    return status.error().code() == retort::ErrorCode::kInvalidArgument ? retort::cli::kExitUsage
                                                                        : retort::cli::kExitFailure;
  }
  return retort::cli::kExitOk;
}

}  // namespace

int main(int argc, char** argv) { return run(argc, argv); }
