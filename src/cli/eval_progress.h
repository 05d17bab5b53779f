// How an evaluation shows that it goes on.
#pragma once

#include <chrono>
#include <string>

#include "cli/pull_progress.h"
#include "eval/runner.h"

namespace retort::cli {

/// "math500 [####......] 203/500  63.1% +- 4.2  512 tokens/s  4 min left".
std::string eval_progress_line(const std::string& task, const eval::RunProgress& progress);

/// Writes to standard error: one line that is written over on a terminal, else a plain line now and then.
class EvalDisplay {
 public:
  EvalDisplay(std::string task, ProgressStyle style) : task_(std::move(task)), style_(style) {}
  void show(const eval::RunProgress& progress);
  /// Ends the line that show() left open.
  void finish();

 private:
  std::string task_;
  ProgressStyle style_;
  std::chrono::steady_clock::time_point last_shown_;
  bool line_open_ = false;
};

}  // namespace retort::cli
