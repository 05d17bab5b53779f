#include "grade/code/process_start.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace retort::grade {
namespace {

// Only what may be called between fork and exec in a program with threads: system calls.
[[noreturn]] void become(char* const* argv, std::span<const int> fds, std::span<int> above, pid_t parent) {
  // First out of the way of the numbers that they are to have, then there.
  const int room = static_cast<int>(fds.size()) + 3;
  for (std::size_t i = 0; i < fds.size(); ++i) {
    above[i] = fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD_CLOEXEC, room);
    if (fds[i] >= 0 && above[i] < 0) _exit(kCannotStart);
  }
  for (std::size_t i = 0; i < fds.size(); ++i) {
    const int target = static_cast<int>(i);
    if (above[i] < 0) {
      close(target);
    } else if (dup2(above[i], target) < 0) {
      _exit(kCannotStart);
    }
  }
  if (syscall(SYS_close_range, static_cast<unsigned>(fds.size()), ~0U, 0U) != 0) _exit(kCannotStart);
  if (!leave_root()) _exit(kCannotStart);
  // After the change of user, which would undo it. The parent may have died before.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kCannotStart);
  for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD, SIGXCPU, SIGXFSZ}) {
    std::signal(number, SIG_DFL);  // what the parent ignores would stay ignored
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  setpgid(0, 0);  // a key pressed for the parent is not for it
  char path[] = "PATH=/usr/bin:/bin";
  char* environment[] = {path, nullptr};
  execve(argv[0], argv, environment);
  _exit(kCannotStart);
}

}  // namespace

bool leave_root() {
  if (geteuid() != 0) return true;
  // The system calls themselves: the library's functions would ask all threads, which this process does not have.
  return syscall(SYS_setgroups, 0, nullptr) == 0 &&
         syscall(SYS_setresgid, kUnprivilegedId, kUnprivilegedId, kUnprivilegedId) == 0 &&
         syscall(SYS_setresuid, kUnprivilegedId, kUnprivilegedId, kUnprivilegedId) == 0;
}

Expected<pid_t> start_program(const std::vector<std::string>& argv, std::span<const int> fds) {
  std::vector<char*> pointers;
  pointers.reserve(argv.size() + 1);
  for (const std::string& argument : argv) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  std::vector<int> above(fds.size(), -1);
  // No handler of this program may run in the child.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) become(pointers.data(), fds, above, parent);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (child < 0) {
    return fail(ErrorCode::kIo, "sandbox: no process for {}: {}", argv[0], std::strerror(error));
  }
  return child;
}

}  // namespace retort::grade
