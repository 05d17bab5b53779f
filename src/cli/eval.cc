// retort eval: the group of commands that measure how good a model is.
#include "cli/commands.h"
#include "cli/eval_commands.h"

namespace retort::cli {

void add_eval(Command program) {
  Command group = program.add_subcommand("eval", "Measure a model on tasks, and compare runs");
  group.footer("docs/evaluation.md says what is measured and how, docs/add-a-task.md how to add a task.");
  add_eval_list(group);
  add_eval_describe(group);
  add_eval_compare(group);
  group.on_use([] {
    return fail(ErrorCode::kInvalidArgument, "eval: say what to do: list, describe TASK or compare DIR_A DIR_B");
  });
}

}  // namespace retort::cli
