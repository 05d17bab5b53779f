// Grading with a deadline that holds: answers that are more than plain numbers are decided in a child process, which is
// killed when it is late, runs out of memory or dies, and started anew for the next one.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/error.h"
#include "grade/maths/grade_maths.h"
#include "grade/worker_process.h"

namespace retort::grade {

/// The child's side: reads requests from standard input and writes verdicts to standard output, a line each, until its
/// input ends. Limits its own memory.
Status serve_maths();

struct MathsGraderOptions {
  std::vector<std::string> worker;  ///< the program that calls serve_maths(), and its arguments
  std::chrono::milliseconds deadline{2'000};
  int workers = 1;  ///< how many at most; each is started when it is first needed
};

/// For several threads at a time: a call waits for an idle worker.
class MathsGrader {
 public:
  explicit MathsGrader(MathsGraderOptions options);
  ~MathsGrader();
  MathsGrader(const MathsGrader&) = delete;
  MathsGrader& operator=(const MathsGrader&) = delete;

  /// kTimeout or kWorkerDied are verdicts, not errors; an error is that no worker can be started.
  Expected<MathsVerdict> grade(const MathsQuestion& question, const MathsOptions& options = {});

 private:
  struct Pool;
  MathsGraderOptions options_;
  std::unique_ptr<Pool> pool_;
};

}  // namespace retort::grade
