#include "grade/code/sandbox_process.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <vector>

#include "grade/code/sandbox_limits.h"

namespace retort::grade {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr auto kWatchEvery = milliseconds(20);
constexpr auto kKillPatience = std::chrono::seconds(5);  // then bwrap itself is killed, and all else with it
constexpr auto kDrainPatience = std::chrono::seconds(1);
constexpr std::size_t kErrorBytes = 64 << 10;
constexpr std::size_t kMessageBytes = 4 << 20;  // as JSON in this process, a message may take thirty times its length

int open_pidfd(pid_t process) { return static_cast<int>(syscall(SYS_pidfd_open, process, 0)); }

double milliseconds_since(steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(steady_clock::now() - start).count();
}

enum class ReadEnd { kMore, kOver };
// All that is there now, given to `take`.
template <typename Take>
ReadEnd read_available(int fd, const Take& take) {
  char buffer[65536];
  for (;;) {
    const ssize_t n = read(fd, buffer, sizeof(buffer));
    if (n > 0) {
      take(std::string_view(buffer, static_cast<std::size_t>(n)));
      continue;
    }
    if (n < 0 && errno == EINTR) continue;
    return n < 0 && errno == EAGAIN ? ReadEnd::kMore : ReadEnd::kOver;
  }
}

// The number behind "name": in bwrap's status.
std::optional<int> status_number(std::string_view status, std::string_view name) {
  const std::size_t at = status.find(name);
  if (at == std::string_view::npos) return std::nullopt;
  status.remove_prefix(at + name.size());
  status.remove_prefix(std::min(status.find_first_of("0123456789"), status.size()));
  int number = 0;
  const auto parsed = std::from_chars(status.data(), status.data() + status.size(), number);
  return parsed.ec == std::errc() ? std::optional(number) : std::nullopt;
}

}  // namespace

SandboxProcess::SandboxProcess(SandboxProcess&& other) noexcept
    : limits_(other.limits_),
      bwrap_(std::exchange(other.bwrap_, -1)),
      child_(other.child_),
      bwrap_pidfd_(std::move(other.bwrap_pidfd_)),
      child_pidfd_(std::move(other.child_pidfd_)),
      input_(std::move(other.input_)),
      output_(std::move(other.output_)),
      error_(std::move(other.error_)),
      messages_(std::move(other.messages_)),
      status_(std::move(other.status_)),
      block_(std::move(other.block_)),
      input_text_(std::move(other.input_text_)),
      input_sent_(other.input_sent_),
      input_state_(other.input_state_),
      messages_out_(std::move(other.messages_out_)),
      messages_in_(std::move(other.messages_in_)),
      status_text_(std::move(other.status_text_)),
      ended_(other.ended_),
      kill_sent_(other.kill_sent_),
      kill_deadline_(other.kill_deadline_),
      wall_deadline_(other.wall_deadline_),
      cpu_deadline_ms_(other.cpu_deadline_ms_),
      clock_start_(other.clock_start_),
      next_watch_(other.next_watch_),
      cpu_at_start_ms_(other.cpu_at_start_ms_),
      result_(std::move(other.result_)) {}

SandboxProcess::~SandboxProcess() {
  if (bwrap_ < 0 || ended_) return;
  kill(SandboxEnd::kKilled);
  SandboxProcess* const all[] = {this};
  pump(all, [] { return false; });
}

Expected<SandboxProcess> SandboxProcess::start(const SandboxCommand& command, const SandboxTools& tools) {
  SandboxProcess process;
  process.limits_ = command.limits;
  RETORT_TRY(SandboxEnds ends, open_sandbox_ends(command));
  RETORT_TRY(process.bwrap_, spawn_bwrap(command, tools, ends));
  process.input_ = std::move(ends.input);
  process.output_ = std::move(ends.output);
  process.error_ = std::move(ends.error);
  process.messages_ = std::move(ends.messages);
  process.status_ = std::move(ends.status);
  process.block_ = std::move(ends.block);
  ends.for_child.clear();  // our copies of its ends, or no pipe would ever be over
  process.clock_start_ = process.next_watch_ = Clock::now();
  process.bwrap_pidfd_ = OwnedFd(open_pidfd(process.bwrap_));
  if (!process.bwrap_pidfd_.open()) {
    return fail(ErrorCode::kUnsupported, "sandbox: this kernel has no pidfd_open ({}); Linux 5.14 or later is needed",
                std::strerror(errno));
  }
  RETORT_TRY_STATUS(process.wait_for_child());
  RETORT_TRY_STATUS(process.limit_child());
  return process;
}

// bwrap tells its child's id as soon as there is one.
Status SandboxProcess::wait_for_child() {
  const auto deadline = Clock::now() + std::chrono::seconds(10);
  while (status_text_.find('\n') == std::string::npos && status_text_.find('}') == std::string::npos) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now()).count();
    pollfd poll_status = {.fd = status_.get(), .events = POLLIN, .revents = 0};
    if (left > 0 && poll(&poll_status, 1, static_cast<int>(left)) < 0 && errno == EINTR) continue;
    const ReadEnd end = read_available(status_.get(), [&](std::string_view text) { status_text_ += text; });
    if (end == ReadEnd::kOver || left <= 0) break;
  }
  const std::optional<int> child = status_number(status_text_, "\"child-pid\":");
  if (child) child_pidfd_ = OwnedFd(open_pidfd(*child));
  if (child_pidfd_.open()) {
    child_ = *child;
    return {};
  }
  kill(SandboxEnd::kKilled);
  SandboxProcess* const all[] = {this};
  pump(all, [] { return false; });
  return fail(refusal(result_.err));
}

Status SandboxProcess::limit_child() {
  RETORT_TRY_STATUS(set_kernel_limits(child_, limits_));
  const char go = 1;
  if (write(block_.get(), &go, 1) != 1) return fail(refusal("its child does not listen"));
  block_.reset();
  return {};
}

void SandboxProcess::restart_clock(std::int64_t cpu_ms, std::int64_t wall_ms) {
  cpu_at_start_ms_ = ended_ ? 0 : usage_of_tree(child_, limits_.file_bytes).cpu_ms;
  cpu_deadline_ms_ = cpu_at_start_ms_ + static_cast<double>(cpu_ms);
  clock_start_ = Clock::now();
  wall_deadline_ = clock_start_ + milliseconds(wall_ms);
}

void SandboxProcess::set_input(std::string input) {
  input_text_ = std::move(input);
  input_state_ = Input::kSending;
  write_all();
}

void SandboxProcess::send_line(std::string_view line) {
  if (!messages_.open()) return;
  messages_out_ += line;
  messages_out_ += '\n';
  write_all();
}

std::optional<std::string> SandboxProcess::take_line() {
  const std::size_t end = messages_in_.find('\n');
  if (end == std::string::npos) return std::nullopt;
  std::string line = messages_in_.substr(0, end);
  messages_in_.erase(0, end + 1);
  return line;
}

std::optional<Error> SandboxProcess::refused() const {
  if (kill_sent_ || status_number(status_text_, "\"exit-code\":")) return std::nullopt;
  return refusal(result_.err);
}

double SandboxProcess::elapsed_ms() const { return milliseconds_since(clock_start_); }

void SandboxProcess::kill(SandboxEnd why) {
  if (ended_ || kill_sent_) return;
  kill_sent_ = true;
  result_.end = why;
  kill_deadline_ = Clock::now() + kKillPatience;
  // The child is the first process of its namespace: the kernel kills the others with it.
  if (!child_pidfd_.open() || syscall(SYS_pidfd_send_signal, child_pidfd_.get(), SIGKILL, nullptr, 0) != 0) {
    if (!child_pidfd_.open()) ::kill(bwrap_, SIGKILL);
  }
}

void SandboxProcess::read_all() {
  const auto most = static_cast<std::size_t>(limits_.output_bytes);
  const auto take_output = [&](std::string_view text) {
    result_.out += text.substr(0, most - result_.out.size());
    if (!text.empty() && result_.out.size() == most) kill(SandboxEnd::kOutputLimit);
  };
  // The beginning and the end: what a program dies of stands last.
  const auto take_error = [&](std::string_view text) {
    result_.err += text;
    if (result_.err.size() > kErrorBytes) result_.err.erase(kErrorBytes / 2, result_.err.size() - kErrorBytes);
  };
  const auto take_message = [&](std::string_view text) {
    if (messages_in_.size() + text.size() > kMessageBytes) return kill(SandboxEnd::kOutputLimit);
    messages_in_ += text;
  };
  const auto take_status = [&](std::string_view text) { status_text_ += text; };
  if (output_.open() && read_available(output_.get(), take_output) == ReadEnd::kOver) output_.reset();
  if (error_.open() && read_available(error_.get(), take_error) == ReadEnd::kOver) error_.reset();
  if (messages_.open() && read_available(messages_.get(), take_message) == ReadEnd::kOver) messages_.reset();
  if (status_.open() && read_available(status_.get(), take_status) == ReadEnd::kOver) status_.reset();
}

void SandboxProcess::write_all() {
  const auto send_some = [](OwnedFd& socket, std::string_view text) -> std::size_t {
    const ssize_t n = send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN && errno != EINTR) socket.reset();  // nobody reads it any more
    return n > 0 ? static_cast<std::size_t>(n) : 0;
  };
  if (messages_.open() && !messages_out_.empty()) messages_out_.erase(0, send_some(messages_, messages_out_));
  if (input_state_ != Input::kSending) return;
  if (input_.open() && input_sent_ < input_text_.size()) {
    input_sent_ += send_some(input_, std::string_view(input_text_).substr(input_sent_));
  }
  if (!input_.open() || input_sent_ == input_text_.size()) {
    if (input_.open()) shutdown(input_.get(), SHUT_WR);
    input_state_ = Input::kDone;
  }
}

void SandboxProcess::watch() {
  const auto now = Clock::now();
  if (kill_sent_) {
    if (kill_deadline_ && now > *kill_deadline_) ::kill(bwrap_, SIGKILL);
    return;
  }
  if (wall_deadline_ && now >= *wall_deadline_) return kill(SandboxEnd::kTimeLimit);
  if (now < next_watch_) return;
  next_watch_ = now + kWatchEvery;
  pollfd poll_child = {.fd = child_pidfd_.get(), .events = POLLIN, .revents = 0};
  if (poll(&poll_child, 1, 0) != 0) return;  // it is over, and its number may be another's
  const ProcessUsage usage = usage_of_tree(child_, limits_.file_bytes);
  std::int64_t memory = usage.memory + usage.file_bytes;
  if (memory > limits_.memory_bytes) memory = exact_memory_of_tree(child_) + usage.file_bytes;
  result_.peak_memory = std::max(result_.peak_memory, memory);
  if (memory > limits_.memory_bytes) return kill(SandboxEnd::kMemoryLimit);
  if (usage.files > limits_.files) return kill(SandboxEnd::kFileLimit);
  if (cpu_deadline_ms_ && usage.cpu_ms > *cpu_deadline_ms_) kill(SandboxEnd::kTimeLimit);
}

void SandboxProcess::reap_if_over() {
  int status = 0;
  rusage used{};
  const pid_t reaped = wait4(bwrap_, &status, WNOHANG, &used);
  if (reaped == 0 || (reaped < 0 && errno == EINTR)) return;
  // All that could write is dead; what is in the pipes is the rest.
  const auto deadline = Clock::now() + kDrainPatience;
  for (;;) {
    read_all();
    std::vector<pollfd> rest;
    for (const OwnedFd* fd : {&output_, &error_, &messages_, &status_}) {
      if (fd->open()) rest.push_back({.fd = fd->get(), .events = POLLIN, .revents = 0});
    }
    if (rest.empty() || Clock::now() > deadline) break;
    poll(rest.data(), rest.size(), 50);
  }
  const auto in_ms = [](const timeval& time) {
    return 1000.0 * static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1000.0;
  };
  finish(status, in_ms(used.ru_utime) + in_ms(used.ru_stime));
}

void SandboxProcess::finish(int status, double cpu_ms) {
  ended_ = true;
  result_.wall_ms = milliseconds_since(clock_start_);
  result_.cpu_ms = std::max(0.0, cpu_ms - cpu_at_start_ms_);
  const int bwrap_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result_.exit_code = status_number(status_text_, "\"exit-code\":").value_or(bwrap_code);
  // The watch may have come too late to kill it, but not to tell.
  if (result_.end == SandboxEnd::kExited && cpu_deadline_ms_ && cpu_ms > *cpu_deadline_ms_) {
    result_.end = SandboxEnd::kTimeLimit;
  }
  for (OwnedFd* fd : {&input_, &output_, &error_, &messages_, &status_, &block_, &bwrap_pidfd_, &child_pidfd_}) {
    fd->reset();
  }
}

void SandboxProcess::pump(std::span<SandboxProcess* const> processes, const std::function<bool()>& done) {
  std::vector<pollfd> fds;
  for (;;) {
    fds.clear();
    auto wake = Clock::now() + kWatchEvery;
    for (SandboxProcess* const p : processes) {
      if (p->ended_) continue;
      p->write_all();
      p->read_all();
      p->watch();
      p->reap_if_over();
      if (p->ended_) continue;
      const auto add = [&](const OwnedFd& fd, short events) {
        if (fd.open()) fds.push_back({.fd = fd.get(), .events = events, .revents = 0});
      };
      add(p->output_, POLLIN);
      add(p->error_, POLLIN);
      add(p->status_, POLLIN);
      add(p->messages_, static_cast<short>(p->messages_out_.empty() ? POLLIN : POLLIN | POLLOUT));
      if (p->input_state_ == Input::kSending) add(p->input_, POLLOUT);
      add(p->bwrap_pidfd_, POLLIN);
      wake = std::min(wake, std::max(p->next_watch_, Clock::now() + milliseconds(1)));
    }
    if (done() || fds.empty()) return;
    const auto left = std::chrono::duration_cast<milliseconds>(wake - Clock::now()).count();
    poll(fds.data(), fds.size(), static_cast<int>(std::clamp<std::int64_t>(left, 1, 20)));
  }
}

}  // namespace retort::grade
