#include "grade/worker_process.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

extern char** environ;

namespace retort::grade {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxLineBytes = 64u << 20;

int milliseconds_until(Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return left <= 0 ? 0 : static_cast<int>(std::min<long long>(left + 1, 1'000'000));
}

}  // namespace

Expected<WorkerProcess> WorkerProcess::start(const std::vector<std::string>& argv) {
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) {
    return fail(ErrorCode::kIo, "cannot make a socket for {}: {}", argv[0], std::strerror(errno));
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, sockets[1], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, sockets[1], STDOUT_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // A group of its own: an interrupt on the terminal is for us to handle.
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  std::vector<char*> arguments;
  arguments.reserve(argv.size() + 1);
  for (const std::string& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  WorkerProcess out;
  const int status = posix_spawn(&out.pid_, argv[0].c_str(), &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  close(sockets[1]);
  if (status != 0) {
    close(sockets[0]);
    out.pid_ = -1;
    return fail(ErrorCode::kIo, "cannot start {}: {}", argv[0], std::strerror(status));
  }
  out.socket_ = sockets[0];
  fcntl(out.socket_, F_SETFL, O_NONBLOCK);
  return out;
}

WorkerProcess::WorkerProcess(WorkerProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), socket_(std::exchange(other.socket_, -1)), read_(std::move(other.read_)) {}

WorkerProcess& WorkerProcess::operator=(WorkerProcess&& other) noexcept {
  if (this != &other) {
    stop();
    pid_ = std::exchange(other.pid_, -1);
    socket_ = std::exchange(other.socket_, -1);
    read_ = std::move(other.read_);
  }
  return *this;
}

WorkerProcess::~WorkerProcess() { stop(); }

void WorkerProcess::stop() {
  if (socket_ >= 0) close(std::exchange(socket_, -1));
  if (pid_ > 0) {
    kill(-pid_, SIGKILL);
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  pid_ = -1;
}

Expected<std::string> WorkerProcess::exchange(std::string_view line, Clock::time_point deadline) {
  if (!alive()) return fail(ErrorCode::kIo, "the grading process is gone");
  std::string out(line);
  out += '\n';
  std::size_t sent = 0;
  char buffer[16384];
  while (true) {
    if (const std::size_t end = read_.find('\n'); end != std::string::npos && sent == out.size()) {
      std::string answer = read_.substr(0, end);
      read_.erase(0, end + 1);
      return answer;
    }
    pollfd wait{.fd = socket_, .events = static_cast<short>(POLLIN | (sent < out.size() ? POLLOUT : 0)), .revents = 0};
    const int ready = poll(&wait, 1, milliseconds_until(deadline));
    if (ready == 0 && Clock::now() >= deadline) {
      stop();
      return fail(ErrorCode::kExhausted, "no answer within the time limit");
    }
    if (ready < 0 && errno != EINTR) break;
    if (ready <= 0) continue;
    if ((wait.revents & POLLOUT) != 0) {
      const ssize_t n = send(socket_, out.data() + sent, out.size() - sent, MSG_NOSIGNAL);
      if (n > 0) sent += static_cast<std::size_t>(n);
      if (n < 0 && errno != EAGAIN && errno != EINTR) break;
    }
    if ((wait.revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
      const ssize_t n = recv(socket_, buffer, sizeof buffer, 0);
      if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) break;
      if (n > 0) read_.append(buffer, static_cast<std::size_t>(n));
      if (read_.size() > kMaxLineBytes) break;
    }
  }
  stop();
  return fail(ErrorCode::kIo, "the grading process ended while it worked on this");
}

}  // namespace retort::grade
