// The subcommands of retort grade.
#pragma once

#include <string>
#include <vector>

#include "cli/command_line.h"

namespace retort::cli {

void add_grade_code(Command group);
void add_grade_format(Command group);
void add_grade_maths(Command group);
void add_grade_steps(Command group);

/// The command that grades mathematics in a child process: this program itself.
std::vector<std::string> maths_worker_command();

}  // namespace retort::cli
