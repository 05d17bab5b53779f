#include "grade/code/sandbox_limits.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <span>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "grade/code/process_start.h"
#include "grade/code/sandbox_bwrap.h"
#include "grade/code/sandbox_seccomp.h"

namespace retort::grade {
namespace {

struct Pair {
  OwnedFd ours;
  OwnedFd theirs;
};
enum class Link { kSocket, kPipeFromChild, kPipeToChild };

Expected<Pair> open_pair(Link link) {
  int fds[2] = {-1, -1};
  const int code =
      link == Link::kSocket ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) : pipe2(fds, O_CLOEXEC);
  if (code != 0) return fail(ErrorCode::kIo, "sandbox: no pipe: {}", std::strerror(errno));
  Pair pair = {OwnedFd(fds[0]), OwnedFd(fds[1])};
  if (link == Link::kPipeToChild) std::swap(pair.ours, pair.theirs);
  fcntl(pair.ours.get(), F_SETFL, fcntl(pair.ours.get(), F_GETFL) | O_NONBLOCK);
  return pair;
}

// A file that is nowhere but in memory, to be read from its beginning.
Expected<OwnedFd> memory_file(std::string_view name, std::string_view content) {
  OwnedFd file(memfd_create(std::string(name).c_str(), MFD_CLOEXEC));
  while (file.open() && !content.empty()) {
    const ssize_t n = write(file.get(), content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  if (!file.open() || !content.empty() || lseek(file.get(), 0, SEEK_SET) != 0) {
    return fail(ErrorCode::kIo, "sandbox: no memory file for {}: {}", name, std::strerror(errno));
  }
  return file;
}

struct KernelLimit {
  __rlimit_resource resource;
  rlim_t limit;
};

// System calls only. 0, or the error.
int apply_limits(pid_t process, std::span<const KernelLimit> wanted) {
  for (const auto& [resource, limit] : wanted) {
    rlimit now{};
    if (prlimit(process, resource, nullptr, &now) != 0) return errno;
    const rlim_t most = std::min(limit, now.rlim_max);  // an ordinary user cannot raise what is lower
    const rlimit set = {most, most};
    if (prlimit(process, resource, &set, nullptr) != 0) return errno;
  }
  return 0;
}

// Runs `act` as the user whom the sandbox runs as: root within a container may not do this to others, since it lacks
// CAP_SYS_RESOURCE.
template <typename Act>
int as_its_owner(const Act& act) {
  if (geteuid() != 0) return act();
  const pid_t child = fork();
  if (child < 0) return errno;
  if (child == 0) _exit(leave_root() ? act() : EPERM);
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return errno;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
}

}  // namespace

Expected<SandboxEnds> open_sandbox_ends(const SandboxCommand& command) {
  SandboxEnds ends;
  const auto open_one = [&](Link link, OwnedFd& ours) -> Status {
    RETORT_TRY(Pair pair, open_pair(link));
    ours = std::move(pair.ours);
    ends.for_child.push_back(std::move(pair.theirs));
    return {};
  };
  RETORT_TRY_STATUS(open_one(Link::kSocket, ends.input));
  RETORT_TRY_STATUS(open_one(Link::kPipeFromChild, ends.output));
  RETORT_TRY_STATUS(open_one(Link::kPipeFromChild, ends.error));
  RETORT_TRY_STATUS(open_one(Link::kSocket, ends.messages));
  RETORT_TRY(const std::string filter, seccomp_filter());
  RETORT_TRY(OwnedFd filter_file, memory_file("filter", filter));
  ends.for_child.push_back(std::move(filter_file));
  RETORT_TRY_STATUS(open_one(Link::kPipeFromChild, ends.status));
  RETORT_TRY_STATUS(open_one(Link::kPipeToChild, ends.block));
  for (const SandboxFile& file : command.files) {
    RETORT_TRY(OwnedFd content, memory_file("file", file.content));
    ends.for_child.push_back(std::move(content));
  }
  return ends;
}

Expected<pid_t> spawn_bwrap(const SandboxCommand& command, const SandboxTools& tools, const SandboxEnds& ends) {
  RETORT_TRY_STATUS(check_limits(command.limits));
  if (access(tools.bwrap.c_str(), X_OK) != 0) {
    return fail(ErrorCode::kUnsupported,
                "sandbox: {}: {}; code is only ever run inside it: install bubblewrap (apt install bubblewrap)",
                tools.bwrap, std::strerror(errno));
  }
  RETORT_TRY(const std::vector<std::string> arguments, bwrap_arguments(command, tools));
  std::vector<int> fds;
  fds.reserve(ends.for_child.size());
  for (const OwnedFd& fd : ends.for_child) fds.push_back(fd.get());
  return start_program(arguments, fds);
}

Status set_kernel_limits(pid_t process, const Limits& limits) {
  const auto bytes = [](std::int64_t n) { return static_cast<rlim_t>(n); };
  const KernelLimit wanted[] = {
      // The watch counts memory that is used; this bounds what is asked for, which may be more: a large array of which
      // little is touched, stacks, the interpreter's files.
      {RLIMIT_AS, bytes(2 * limits.memory_bytes) + (rlim_t{512} << 20)},
      // The watch again is what bounds time; this is for the case that the watch itself stands still.
      {RLIMIT_CPU, bytes(20 * (limits.cpu_ms / 1000) + 10)},
      {RLIMIT_NPROC, static_cast<rlim_t>(limits.processes)},
      {RLIMIT_NOFILE, static_cast<rlim_t>(limits.open_files)},
      {RLIMIT_FSIZE, bytes(limits.file_bytes)},
      {RLIMIT_STACK, bytes(limits.stack_bytes)},
      {RLIMIT_CORE, 0},
      {RLIMIT_MEMLOCK, rlim_t{64} << 10},
      {RLIMIT_MSGQUEUE, 0},
      {RLIMIT_SIGPENDING, 1024},
  };
  if (const int error = as_its_owner([&] { return apply_limits(process, wanted); }); error != 0) {
    return fail(ErrorCode::kUnsupported, "sandbox: its limits cannot be set: {}", std::strerror(error));
  }
  return {};
}

Error refusal(std::string_view said) {
  while (!said.empty() && (said.back() == '\n' || said.back() == ' ')) said.remove_suffix(1);
  return {ErrorCode::kUnsupported,
          fmt::format("sandbox: bubblewrap could not build it: {}; bubblewrap 0.8 or later and unprivileged user "
                      "namespaces are needed (see docs/grading-code.md)",
                      said.empty() ? "it said nothing" : said.substr(0, 500))};
}

}  // namespace retort::grade
