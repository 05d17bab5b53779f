// retort grade: whether answers are right. A command for each kind of answer.
#include "cli/commands.h"
#include "cli/grade_commands.h"

namespace retort::cli {

void add_grade(Command program) {
  Command group = program.add_subcommand("grade", "Whether answers are right");
  group.require_subcommand();
  add_grade_code(group);
}

}  // namespace retort::cli
