// A command in its sandbox while it runs: what goes in and out, and the watch over it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>

#include "grade/code/owned_fd.h"
#include "grade/code/process_usage.h"
#include "grade/code/sandbox.h"

namespace retort::grade {

/// Owns the processes: they are gone when it is. Not thread-safe, but may move between threads; the thread that
/// started it must live as long as it does (the kernel ties the sandbox to that thread).
class SandboxProcess {
 public:
  /// Starts command.argv; command.input is not looked at. It has no time limit until restart_clock(). Errors as
  /// run_sandboxed(), but a sandbox that cannot be built shows only in the end: refused().
  static Expected<SandboxProcess> start(const SandboxCommand& command, const SandboxTools& tools);
  ~SandboxProcess();
  SandboxProcess(SandboxProcess&& other) noexcept;
  SandboxProcess& operator=(SandboxProcess&&) = delete;
  SandboxProcess(const SandboxProcess&) = delete;
  SandboxProcess& operator=(const SandboxProcess&) = delete;

  /// From now on it has cpu_ms of the processor and wall_ms of the clock.
  void restart_clock(std::int64_t cpu_ms, std::int64_t wall_ms);
  /// All that its standard input will hold. Once.
  void set_input(std::string input);
  /// One line, without its end, to descriptor 3.
  void send_line(std::string_view line);
  /// The next line that it wrote to descriptor 3; at most 4 MiB may wait to be taken, or it is killed.
  std::optional<std::string> take_line();
  [[nodiscard]] bool has_line() const { return messages_in_.find('\n') != std::string::npos; }

  /// It is gone, with all of its children, and all that it wrote has been read.
  [[nodiscard]] bool ended() const { return ended_; }
  /// Not before ended(): why the sandbox could not be built; the command did not run then.
  [[nodiscard]] std::optional<Error> refused() const;
  /// Complete once it ended().
  [[nodiscard]] const SandboxResult& result() const { return result_; }
  /// On the clock, since restart_clock().
  [[nodiscard]] double elapsed_ms() const;
  /// Its processes are killed; pump() until ended().
  void kill(SandboxEnd why);

  /// Moves bytes and watches limits until `done`, which is asked after every step, or until all have ended.
  static void pump(std::span<SandboxProcess* const> processes, const std::function<bool()>& done);

 private:
  using Clock = std::chrono::steady_clock;
  SandboxProcess() = default;
  Status wait_for_child();
  Status limit_child();
  void watch();
  void read_all();
  void write_all();
  void reap_if_over();
  void finish(int status, double cpu_ms);

  Limits limits_;
  pid_t bwrap_ = -1;
  pid_t child_ = -1;
  OwnedFd bwrap_pidfd_;
  OwnedFd child_pidfd_;
  OwnedFd input_;     ///< a socket
  OwnedFd output_;    ///< a pipe
  OwnedFd error_;     ///< a pipe
  OwnedFd messages_;  ///< a socket
  OwnedFd status_;    ///< a pipe
  OwnedFd block_;     ///< a pipe
  std::string input_text_;
  std::size_t input_sent_ = 0;
  enum class Input { kLater, kSending, kDone } input_state_ = Input::kLater;
  std::string messages_out_;
  std::string messages_in_;
  std::string status_text_;
  bool ended_ = false;
  bool kill_sent_ = false;
  std::optional<Clock::time_point> kill_deadline_;
  std::optional<Clock::time_point> wall_deadline_;
  std::optional<double> cpu_deadline_ms_;
  Clock::time_point clock_start_;
  Clock::time_point next_watch_;
  double cpu_at_start_ms_ = 0;
  SandboxResult result_;
};

}  // namespace retort::grade
