// retort grade: whether an answer is right. A subcommand for each kind of answer.
#include "cli/commands.h"
#include "cli/grade_commands.h"

namespace retort::cli {

void add_grade(Command program) {
  Command group = program.add_subcommand("grade", "Whether an answer is right");
  group.require_subcommand();
  add_grade_maths(group);
  add_grade_code(group);
  add_grade_steps(group);
  add_grade_format(group);
}

}  // namespace retort::cli
