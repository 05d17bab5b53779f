// Runs a program as a person would and keeps what it wrote.
#pragma once

#include <string>
#include <vector>

namespace retort::testing {

struct ProgramResult {
  int exit_code = -1;  ///< 128 + signal if a signal ended it; -1 if it could not be started
  std::string out;
  std::string err;
};

/// No shell is involved. Standard input is empty. The environment is the test's own.
ProgramResult run_program(const std::string& program, const std::vector<std::string>& arguments);

}  // namespace retort::testing
