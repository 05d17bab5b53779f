// The commands below `retort eval`, a file for each.
#pragma once

#include "cli/command_line.h"

namespace retort::cli {

void add_eval_audit(Command group);
void add_eval_compare(Command group);
void add_eval_describe(Command group);
void add_eval_list(Command group);
void add_eval_report(Command group);
void add_eval_rescore(Command group);
/// To the group itself: `retort eval TASK ...`.
void add_eval_run(Command command);

}  // namespace retort::cli
