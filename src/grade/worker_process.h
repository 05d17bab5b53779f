// A child program that answers one line with one line, and is killed where it does not in time.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "core/error.h"

namespace retort::grade {

/// Not for several threads at a time. Its standard error is ours.
class WorkerProcess {
 public:
  /// argv[0] is the program's path. kIo where it cannot be started.
  static Expected<WorkerProcess> start(const std::vector<std::string>& argv);

  WorkerProcess(WorkerProcess&& other) noexcept;
  WorkerProcess& operator=(WorkerProcess&& other) noexcept;
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;
  ~WorkerProcess();  ///< kills it and waits for it

  /// Sends `line`, which has no line break, and returns the next line. kExhausted where none came until the deadline,
  /// kIo where the child is gone: in both cases it is killed, and every further exchange is kIo.
  Expected<std::string> exchange(std::string_view line, std::chrono::steady_clock::time_point deadline);

  [[nodiscard]] bool alive() const { return pid_ > 0; }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  WorkerProcess() = default;
  void stop();

  pid_t pid_ = -1;
  int socket_ = -1;
  std::string read_;  ///< what came behind the last line
};

}  // namespace retort::grade
