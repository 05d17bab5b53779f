// The subcommands, a file for each: it adds its options to `program` and says what it does when it is asked for.
#pragma once

#include "cli/command_line.h"

namespace retort::cli {

void add_bench(Command program);
void add_chat(Command program);
void add_detokenize(Command program);
void add_forward(Command program);
void add_grade(Command program);
void add_inspect(Command program);
void add_pack(Command program);
void add_perplexity(Command program);
void add_pull(Command program);
void add_quantize(Command program);
void add_tokenize(Command program);
void add_run(Command program);
void add_render(Command program);

}  // namespace retort::cli
