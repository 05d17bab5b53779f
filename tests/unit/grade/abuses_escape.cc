// Attempts to get out, in Python. System calls are made by number, as on x86-64.
#include "abuses.h"

namespace retort::grade {

const char* const kAbusePrelude = R"(
import ctypes, errno, os, signal, subprocess, sys, time
libc = ctypes.CDLL(None, use_errno=True)
def syscall(number, *args):
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in args])
    if result == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
def attempt(f, *args, **kwargs):
    try:
        result = f(*args, **kwargs)
    except (OSError, PermissionError, ValueError, subprocess.SubprocessError):
        return print('refused')
    print('LEAK', result)
def read(path):
    with open(path, 'rb') as f:
        return f.read(200)
def write(path):
    with open(path, 'wb') as f:
        return f.write(b'was here')
)";

const std::vector<Abuse>& escapes() {
  static const std::vector<Abuse> table = {
      // Files outside
      {"ReadShadow", "attempt(read, '/etc/shadow')"},
      {"ReadPasswd", "attempt(read, '/etc/passwd')"},
      {"ReadTheCanary", "attempt(read, '@CANARY@')"},
      {"ReadTheCanaryByDots", "attempt(read, '/usr/../tmp/../../../..@CANARY@')"},
      {"WriteTheCanary", "attempt(write, '@CANARY@')"},
      {"ListItsFolder", "attempt(os.listdir, '@FOLDER@')"},
      {"ListHomes", "attempt(lambda: os.listdir('/home') + os.listdir('/root'))"},
      {"WriteUsr", "attempt(write, '/usr/bin/was-here')"},
      {"WriteRoot", "attempt(write, '/was-here')"},
      {"WriteBox", "attempt(write, '/box/was-here')"},
      {"WriteDev", "attempt(write, '/dev/was-here')"},
      {"WriteDevShm", "attempt(write, '/dev/shm/was-here')"},
      {"MakeFolderInRoot", "attempt(os.mkdir, '/folder')"},
      {"SymlinkToShadow", "os.symlink('/etc/shadow', '/tmp/s'); attempt(read, '/tmp/s')"},
      {"SymlinkToTheCanary", "os.symlink('@CANARY@', '/tmp/s'); attempt(read, '/tmp/s')"},
      {"SymlinkOverTmp", "attempt(os.rename, '/tmp', '/tmp2')"},
      {"HardLinkToAProgram", "attempt(os.link, '/usr/bin/env', '/tmp/env')"},
      {"ProcSelfEnviron", "attempt(read, '/proc/self/environ')"},
      {"ProcParentEnviron", "attempt(read, '/proc/%d/environ' % os.getppid())"},
      {"ProcRootOfOne", "attempt(os.listdir, '/proc/1/root')"},
      {"ProcSelfMem", "attempt(read, '/proc/self/mem')"},
      {"ProcSysrq", "attempt(write, '/proc/sysrq-trigger')"},
      {"SysKernel", "attempt(os.listdir, '/sys/kernel')"},
      {"Cgroup", "attempt(os.listdir, '/sys/fs/cgroup')"},
      {"DevMem", "attempt(read, '/dev/mem')"},
      {"DevTty", "attempt(read, '/dev/tty')"},
      {"MakeADevice", "attempt(os.mknod, '/tmp/disk', 0o60600, os.makedev(8, 0))"},
      {"OpenByHandle", "attempt(syscall, 304, -100, ctypes.create_string_buffer(64), 0)"},
      {"ChrootAndBack", "os.mkdir('/tmp/d'); attempt(os.chroot, '/tmp/d')"},
      // Mounts and namespaces
      {"MountTmpfs", "os.mkdir('/tmp/d'); attempt(syscall, 165, b'tmpfs', b'/tmp/d', b'tmpfs', 0, 0)"},
      {"MountProc", "os.mkdir('/tmp/d'); attempt(syscall, 165, b'proc', b'/tmp/d', b'proc', 0, 0)"},
      {"RemountRootWritable", "attempt(syscall, 165, b'none', b'/', 0, 32 | 4096, 0)"},
      {"UnmountTmp", "attempt(syscall, 166, b'/tmp', 2)"},
      {"PivotRoot", "attempt(syscall, 155, b'/tmp', b'/tmp')"},
      {"UnshareUser", "attempt(syscall, 272, 0x10000000)"},
      {"UnshareMounts", "attempt(syscall, 272, 0x00020000)"},
      {"CloneIntoUserNamespace", "attempt(syscall, 56, 0x10000000 | 17, 0, 0, 0, 0)"},
      {"CloneThree", "attempt(syscall, 435, ctypes.create_string_buffer(88), 88)"},
      {"SetNamespace", "attempt(syscall, 308, 0, 0)"},
      {"FsOpen", "attempt(syscall, 430, b'tmpfs', 0)"},
      {"OpenTree", "attempt(syscall, 428, -100, b'/', 1)"},
      // Who it is
      {"SetUid", "attempt(os.setuid, 0)"},
      {"SetGid", "attempt(os.setgid, 0)"},
      {"SetResUid", "attempt(os.setresuid, 0, 0, 0)"},
      {"SetGroups", "attempt(os.setgroups, [0])"},
      {"CapSet", "attempt(syscall, 126, ctypes.create_string_buffer(8), ctypes.create_string_buffer(24))"},
      {"ItIsNotRoot", "print('refused' if os.getuid() != 0 and os.geteuid() != 0 else 'LEAK root')"},
      {"SetuidCopyOfAShell", R"(
import shutil
shutil.copy('/bin/sh', '/tmp/sh')
os.chmod('/tmp/sh', 0o4755)
out = subprocess.run(['/tmp/sh', '-p', '-c', 'id -u'], capture_output=True).stdout.strip()
print('LEAK' if out == b'0' else 'refused'))"},
      {"SetuidPrograms", R"(
gained = []
for path in ('/usr/bin/su', '/usr/bin/passwd', '/usr/bin/newgrp', '/usr/bin/mount', '/usr/bin/sudo'):
    try:
        run = subprocess.run([path, '-c', 'id'], capture_output=True, timeout=2, stdin=subprocess.DEVNULL)
        if b'uid=0' in run.stdout: gained.append(path)
    except (OSError, subprocess.SubprocessError):
        pass
print('LEAK %s' % gained if gained else 'refused'))"},
      // Other processes
      {"TraceMe", "attempt(syscall, 101, 0, 0, 0, 0)"},
      {"TraceAChild", R"(
child = os.fork()
if child == 0:
    time.sleep(5)
    os._exit(0)
attempt(syscall, 101, 16, child, 0, 0))"},
      {"ReadAnotherProcess", "attempt(syscall, 310, 1, 0, 0, 0, 0, 0)"},
      {"KillTheParent", R"(
parent = os.getppid()
attempt(os.kill, parent, 9) if parent > 0 else print('refused'))"},
      {"KillTheTest", "attempt(os.kill, @PID@, 9)"},
      {"KillEveryone", R"(
found = 0
for number in range(2, 5000):
    try:
        os.kill(number, 9)
        found += 1
    except OSError:
        pass
try:
    os.kill(-1, 9)
except OSError:
    pass
print('LEAK' if found else 'refused'))"},
      {"OutliveTheParent", "attempt(syscall, 157, 1, 0, 0, 0, 0)"},
      {"RaiseItsLimits", R"(
import resource
attempt(resource.setrlimit, resource.RLIMIT_NPROC, (100000, 100000)))"},
      {"RealTime", "attempt(os.sched_setscheduler, 0, os.SCHED_FIFO, os.sched_param(1))"},
      {"GoFirst", "attempt(os.nice, -5)"},
      // The environment and descriptors
      {"ReadTheEnvironment", "print('LEAK' if '@SECRET@' in repr(os.environ) else 'refused')"},
      {"InheritedDescriptors", R"(
found = []
for fd in range(3, 4096):
    try:
        os.fstat(fd)
        found.append(fd)
    except OSError:
        pass
print('LEAK %s' % found if found else 'refused'))"},
      {"WriteToTheHarness", "attempt(os.write, 3, b'{\"value\": 1}\\n')"},
      {"TypeIntoTheTerminal", "import fcntl; attempt(fcntl.ioctl, 0, 0x5412, b'x')"},
      // The network
      {"ConnectTcp", "import socket; attempt(lambda: socket.create_connection(('127.0.0.1', @PORT@), 1).send(b'hi'))"},
      {"SendUdp", R"(
import socket
attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'hi', ('127.0.0.1', @PORT@))))"},
      {"ConnectUnix", R"(
import socket
attempt(lambda: socket.socket(socket.AF_UNIX).connect('\0@UNIX@')))"},
      {"RawSocket", "import socket; attempt(socket.socket, socket.AF_INET, socket.SOCK_RAW, 1)"},
      {"Netlink", "import socket; attempt(socket.socket, 16, socket.SOCK_RAW, 0)"},
      {"Vsock", "import socket; attempt(socket.socket, 40, socket.SOCK_STREAM)"},
      {"Listen", "import socket; attempt(socket.create_server, ('', 0))"},
      {"Resolve", "import socket; attempt(socket.getaddrinfo, 'localhost.example', 80)"},
      {"Http", "import urllib.request; attempt(urllib.request.urlopen, 'http://127.0.0.1:@PORT@/', None, 2)"},
      {"ConnectFromAChild", R"py(
code = "import socket; socket.create_connection(('127.0.0.1', @PORT@), 1); print('LEAK')"
run = subprocess.run([sys.executable, '-c', code], capture_output=True)
print('LEAK' if b'LEAK' in run.stdout else 'refused'))py"},
      // The kernel
      {"IoUring", "attempt(syscall, 425, 8, ctypes.create_string_buffer(120))"},
      {"Personality", "attempt(syscall, 135, 0x0040000)"},
      {"Userfaultfd", "attempt(syscall, 323, 0)"},
      {"Bpf", "attempt(syscall, 321, 0, ctypes.create_string_buffer(128), 128)"},
      {"PerfEvents", "attempt(syscall, 298, ctypes.create_string_buffer(128), 0, -1, -1, 0)"},
      {"AddKey", "attempt(syscall, 248, b'user', b'name', b'x', 1, -3)"},
      {"KeyControl", "attempt(syscall, 250, 0, -3, 1)"},
      {"MemoryFile", "attempt(syscall, 319, b'name', 0)"},
      {"SharedMemory", "attempt(syscall, 29, 0, 1 << 20, 0o1600)"},
      {"MessageQueue", "attempt(syscall, 240, b'/queue', 0o102, 0o600, 0)"},
      {"Reboot", "attempt(syscall, 169, 0xfee1dead, 672274793, 0, 0)"},
      {"LoadAModule", "attempt(syscall, 313, 0, b'', 0)"},
      {"SetTheTime", "attempt(time.clock_settime, time.CLOCK_REALTIME, 0)"},
      {"SetTheHostName", "import socket; attempt(socket.sethostname, 'owned')"},
      {"Iopl", "attempt(syscall, 172, 3)"},
      {"ModifyLdt", "attempt(syscall, 154, 0, 0, 0)"},
      {"KernelLog", "attempt(syscall, 103, 3, ctypes.create_string_buffer(64), 64)"},
      {"NewerThanTheFilter", "attempt(syscall, 460, 0, 0, 0)"},
      {"LockMemory", "import mmap; m = mmap.mmap(-1, 1 << 24); attempt(syscall, 151, 3)"},
  };
  return table;
}

}  // namespace retort::grade
