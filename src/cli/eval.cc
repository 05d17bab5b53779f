// retort eval: how good a model is. With a task's name it measures; its subcommands tell of tasks and compare, regrade
// and audit runs.
#include "cli/commands.h"
#include "cli/eval_commands.h"

namespace retort::cli {

void add_eval(Command program) {
  Command group = program.add_subcommand("eval", "Measure a model on tasks, and compare runs");
  add_eval_run(group);
  add_eval_list(group);
  add_eval_describe(group);
  add_eval_compare(group);
  add_eval_report(group);
  add_eval_rescore(group);
  add_eval_audit(group);
}

}  // namespace retort::cli
