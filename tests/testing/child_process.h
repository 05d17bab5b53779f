// A program that runs beside the test: to be interrupted, killed and waited for.
#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include "testing/temp_dir.h"

namespace retort::testing {

class ChildProcess {
 public:
  /// No shell; standard input is empty; the environment is the test's own. argv[0] is looked up in PATH.
  ChildProcess(const std::vector<std::string>& argv, const std::string& working_folder = ".");
  /// Kills it if it still runs.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  void signal(int number) const;
  /// Exit code; 128 + signal if a signal ended it; -1 if it could not be started.
  int wait();
  [[nodiscard]] bool running();
  /// What it has written so far.
  [[nodiscard]] std::string out() const;
  [[nodiscard]] std::string err() const;

 private:
  TempDir files_;
  pid_t pid_ = -1;
  int exit_code_ = -1;
};

}  // namespace retort::testing
