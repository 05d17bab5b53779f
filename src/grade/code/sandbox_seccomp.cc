#include "grade/code/sandbox_seccomp.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#ifdef __clang__
#pragma clang diagnostic ignored "-Wc99-extensions"  // libseccomp's SCMP_A0() and others are compound literals
#endif

namespace retort::grade {
namespace {

// By name: libseccomp knows which of them this processor has. Most need a privilege that the sandbox took away; they
// are refused here as well, so that a hole in the kernel behind one of them is out of reach.
constexpr const char* kRefused[] = {
    // other processes
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd",
    // file systems and namespaces
    "mount", "umount", "umount2", "pivot_root", "chroot", "setns", "unshare", "fsopen", "fsconfig", "fsmount", "fspick",
    "move_mount", "open_tree", "mount_setattr", "name_to_handle_at", "open_by_handle_at", "mknod", "mknodat",
    "quotactl", "quotactl_fd", "fanotify_init", "fanotify_mark", "swapon", "swapoff",
    // the network, and names that others could connect to; socketpair is left
    "socket", "bind", "listen", "accept", "accept4", "connect",
    // parts of the kernel with a history of holes
    "io_uring_setup", "io_uring_enter", "io_uring_register", "bpf", "perf_event_open", "userfaultfd", "add_key",
    "request_key", "keyctl", "lookup_dcookie", "modify_ldt", "vmsplice", "io_setup", "io_submit",
    // memory that belongs to no process, so that no limit counts it
    "memfd_create", "memfd_secret", "shmget", "shmat", "shmctl", "msgget", "semget", "mq_open",
    // the machine
    "reboot", "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "create_module", "acct",
    "sethostname", "setdomainname", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "stime", "iopl",
    "ioperm", "syslog", "_sysctl", "uselib", "nfsservctl", "vhangup", "mbind", "migrate_pages", "move_pages",
    "set_mempolicy", "set_mempolicy_home_node",
    // who and what it is; a personality can turn off the randomisation of addresses
    "personality", "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid",
    "setgroups", "capset"};

constexpr unsigned long kNamespaceFlags[] = {CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                                             CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET};

// The first number after those of Linux 5.17, and where the numbers stop that anyone may have given out meanwhile.
constexpr int kFirstUnknown = 451;
constexpr int kLastUnknown = 600;

struct ReleaseFilter {
  void operator()(void* filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, ReleaseFilter>;

int add_rules(scmp_filter_ctx filter) {
  const std::uint32_t refuse = SCMP_ACT_ERRNO(EPERM);
  const std::uint32_t unknown = SCMP_ACT_ERRNO(ENOSYS);
  for (const char* name : kRefused) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number < 0) continue;  // not on this processor
    if (const int code = seccomp_rule_add(filter, refuse, number, 0); code != 0) return code;
  }
  // clone3 hides its flags behind a pointer; the C library then takes clone.
  if (const int code = seccomp_rule_add(filter, unknown, SCMP_SYS(clone3), 0); code != 0) return code;
  for (const unsigned long flag : kNamespaceFlags) {
    const int code = seccomp_rule_add(filter, refuse, SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, flag, flag));
    if (code != 0) return code;
  }
  // It dies with its parent and may not change its mind.
  int code = seccomp_rule_add(filter, refuse, SCMP_SYS(prctl), 1,
                              SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffffU, static_cast<scmp_datum_t>(PR_SET_PDEATHSIG)));
  // Keys pressed on a terminal's behalf. The upper half of the argument is not looked at by the kernel.
  if (code == 0) {
    code = seccomp_rule_add(filter, refuse, SCMP_SYS(ioctl), 1,
                            SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffU, static_cast<scmp_datum_t>(TIOCSTI)));
  }
  for (int number = kFirstUnknown; code == 0 && number <= kLastUnknown; ++number) {
    code = seccomp_rule_add(filter, unknown, number, 0);
  }
  return code;
}

Expected<std::string> make_filter() {
  const Filter filter(seccomp_init(SCMP_ACT_ALLOW));
  if (!filter) return fail(ErrorCode::kUnsupported, "sandbox: libseccomp does not know this processor");
  if (const int code = add_rules(filter.get()); code != 0) {
    return fail(ErrorCode::kUnsupported, "sandbox: libseccomp refused a rule of the filter: {}", std::strerror(-code));
  }
  const int file = memfd_create("retort-seccomp", MFD_CLOEXEC);
  if (file < 0) return fail(ErrorCode::kIo, "sandbox: no memory file for the filter: {}", std::strerror(errno));
  std::string program;
  if (seccomp_export_bpf(filter.get(), file) == 0) {
    const off_t size = lseek(file, 0, SEEK_END);
    program.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    if (pread(file, program.data(), program.size(), 0) != size) program.clear();
  }
  close(file);
  if (program.empty()) return fail(ErrorCode::kIo, "sandbox: the system call filter cannot be written");
  return program;
}

}  // namespace

Expected<std::string> seccomp_filter() {
  static const Expected<std::string> filter = make_filter();
  return filter;
}

}  // namespace retort::grade
