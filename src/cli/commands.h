// The subcommands: each declares its options on `app` and sets `action` when it is the one that was asked for.
#pragma once

#include "cli/command.h"

namespace retort::cli {

void add_chat(CLI::App& app, Action& action);
void add_detokenize(CLI::App& app, Action& action);
void add_forward(CLI::App& app, Action& action);
void add_inspect(CLI::App& app, Action& action);
void add_perplexity(CLI::App& app, Action& action);
void add_pull(CLI::App& app, Action& action);
void add_tokenize(CLI::App& app, Action& action);
void add_run(CLI::App& app, Action& action);
void add_render(CLI::App& app, Action& action);

}  // namespace retort::cli
