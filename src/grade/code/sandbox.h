// Runs one command in a sandbox: bubblewrap's namespaces, a system call filter, resource limits and a watch.
//
// What a command sees: /usr read-only (and /bin, /lib, /lib64, /etc/ld.so.cache), five harmless devices, an empty /tmp
// that is bounded, its files in /box, no /proc, no home, no network but a loopback of its own, no process but its own,
// an environment of seven variables. It has no capability, cannot gain one, and is never root: started by root, it
// runs as nobody (65534), so that the kernel's limit on processes counts for it.
//
// What bounds it: the kernel (processes, files, file size, stack, addresses) and a watch that adds up processor time,
// memory and files of all its processes every 20 ms and kills them together. They are one process-id namespace, whose
// first process is the command: when that ends or is killed, none is left. So it is if this program dies.
#pragma once

#include <string>
#include <vector>

#include "core/error.h"
#include "grade/code/limits.h"

namespace retort::grade {

struct SandboxFile {
  std::string path;  ///< absolute, below /box
  std::string content;
  enum class Mode { kRead, kExecute } mode = Mode::kRead;
};

/// A folder of this machine that the command may read.
struct SandboxFolder {
  std::string outside;
  std::string inside;
};

struct SandboxCommand {
  std::vector<std::string> argv;  ///< argv[0] is a path inside
  std::vector<SandboxFile> files;
  std::vector<SandboxFolder> folders;
  std::string input;  ///< of run(): all of its standard input
  Limits limits;
};

/// Where the tools are; a test names others.
struct SandboxTools {
  std::string bwrap = "/usr/bin/bwrap";
  std::string python = "/usr/bin/python3";  ///< below /usr
  std::string cxx = "/usr/bin/g++";         ///< below /usr
};

enum class SandboxEnd {
  kExited,       ///< by itself: exit_code; 128 + N where signal N ended it
  kTimeLimit,    ///< killed for processor or clock
  kMemoryLimit,  ///< killed for memory
  kOutputLimit,  ///< killed for what it wrote to standard output
  kFileLimit,    ///< killed for the number of its files
  kKilled,       ///< killed since it was not wanted any more
};

struct SandboxResult {
  SandboxEnd end = SandboxEnd::kExited;
  int exit_code = -1;
  std::string out;  ///< at most limits.output_bytes
  std::string err;  ///< its first 64 KiB; what follows is read and dropped
  double wall_ms = 0;
  double cpu_ms = 0;             ///< all processes, bubblewrap's few milliseconds included
  std::int64_t peak_memory = 0;  ///< bytes; seen every 20 ms, so a short peak may be missing
};

/// Runs it to its end. kUnsupported where there is no sandbox on this machine (and the command did not run): the
/// message says what is missing. kInvalidArgument for limits and paths that make no sense. Thread-safe.
Expected<SandboxResult> run_sandboxed(const SandboxCommand& command, const SandboxTools& tools = {});

/// Whether commands can run in a sandbox here: runs `true` in one.
Status check_sandbox(const SandboxTools& tools = {});

}  // namespace retort::grade
