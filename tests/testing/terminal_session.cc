#include "testing/terminal_session.h"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

namespace retort::testing {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kPatience = std::chrono::seconds(10);

}  // namespace

TerminalSession::TerminalSession(const std::string& program, const std::vector<std::string>& arguments,
                                 const std::vector<std::string>& environment, unsigned short columns) {
  std::vector<char*> argv = {const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  winsize size{24, columns, 0, 0};
  child_ = forkpty(&terminal_, nullptr, nullptr, &size);
  if (child_ != 0) return;
  setenv("TERM", "xterm", 1);
  for (const std::string& variable : environment) putenv(const_cast<char*>(variable.c_str()));
  execv(program.c_str(), argv.data());
  _exit(127);
}

TerminalSession::~TerminalSession() {
  if (child_ > 0) {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }
  if (terminal_ >= 0) close(terminal_);
}

void TerminalSession::send(std::string_view keys) {
  while (!keys.empty()) {
    const ssize_t n = write(terminal_, keys.data(), keys.size());
    if (n <= 0) return;
    keys.remove_prefix(static_cast<std::size_t>(n));
  }
}

bool TerminalSession::read_more(int timeout_ms) {
  pollfd source = {terminal_, POLLIN, 0};
  if (poll(&source, 1, timeout_ms) <= 0) return true;
  char buffer[4096];
  const ssize_t n = read(terminal_, buffer, sizeof(buffer));
  if (n <= 0) return false;  // the program has closed the terminal
  output_.append(buffer, static_cast<std::size_t>(n));
  return true;
}

bool TerminalSession::wait_for(std::string_view text) {
  const auto until = Clock::now() + kPatience;
  bool open = true;
  for (;;) {
    if (const std::size_t at = output_.find(text, seen_); at != std::string::npos) {
      seen_ = at + text.size();
      return true;
    }
    if (!open || Clock::now() > until) return false;
    open = read_more(50);
  }
}

std::optional<int> TerminalSession::wait_exit() {
  const auto until = Clock::now() + kPatience;
  while (Clock::now() < until) {
    const bool open = read_more(20);
    int status = 0;
    if (waitpid(child_, &status, WNOHANG) == child_) {
      // What it wrote last may still be on its way through the terminal, whose end is what read_more() tells.
      const auto drained_by = Clock::now() + std::chrono::seconds(2);
      while (open && read_more(20) && Clock::now() < drained_by) {
      }
      child_ = -1;
      return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    if (!open) usleep(20'000);
  }
  return std::nullopt;
}

}  // namespace retort::testing
