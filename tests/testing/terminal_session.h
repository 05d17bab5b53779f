// A program on a terminal of its own (a pseudo-terminal), with a test at the keyboard.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace retort::testing {

class TerminalSession {
 public:
  /// `environment`: "NAME=value", on top of the test's own; TERM is xterm.
  TerminalSession(const std::string& program, const std::vector<std::string>& arguments,
                  const std::vector<std::string>& environment = {}, unsigned short columns = 80);
  /// Kills the program if it still runs.
  ~TerminalSession();
  TerminalSession(const TerminalSession&) = delete;
  TerminalSession& operator=(const TerminalSession&) = delete;

  void send(std::string_view keys);
  /// True once `text` has come after what the last successful wait_for() found; false after ten seconds or the end.
  bool wait_for(std::string_view text);
  /// The exit code (128 + signal), or nullopt if it has not ended within ten seconds.
  std::optional<int> wait_exit();
  /// Everything that came so far, codes and all, with \r\n as the terminal makes it.
  [[nodiscard]] const std::string& output() const { return output_; }

 private:
  bool read_more(int timeout_ms);

  int terminal_ = -1;
  pid_t child_ = -1;
  std::string output_;
  std::size_t seen_ = 0;
};

}  // namespace retort::testing
