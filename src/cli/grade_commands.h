// The subcommands of retort grade.
#pragma once

#include "cli/command_line.h"

namespace retort::cli {

void add_grade_code(Command group);

}  // namespace retort::cli
