#include "grade/code/sandbox_bwrap.h"

#include <filesystem>
#include <fmt/format.h>
#include <string_view>
#include <system_error>

namespace retort::grade {
namespace {

bool plain_path(std::string_view path, std::string_view below) {
  return path.starts_with(below) && path.find("..") == std::string_view::npos &&
         path.find('\0') == std::string_view::npos;
}

// /bin and its like are links into /usr on most systems; elsewhere they are folders of their own.
void add_system_folder(std::vector<std::string>& arguments, const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_symlink(path, error)) {
    arguments.insert(arguments.end(), {"--symlink", std::filesystem::read_symlink(path, error).string(), path});
  } else if (std::filesystem::is_directory(path, error)) {
    arguments.insert(arguments.end(), {"--ro-bind", path, path});
  }
}

}  // namespace

Expected<std::vector<std::string>> bwrap_arguments(const SandboxCommand& command, const SandboxTools& tools) {
  if (command.argv.empty() || !command.argv[0].starts_with("/")) {
    return fail(ErrorCode::kInvalidArgument, "sandbox: expected a command that begins with an absolute path");
  }
  std::vector<std::string> arguments = {
      // Processes, mounts, network, users, names and shared memory of its own. 1000 is no one outside.
      tools.bwrap, "--unshare-user", "--unshare-all", "--uid", "1000", "--gid", "1000", "--hostname", "sandbox",
      "--cap-drop", "ALL", "--new-session", "--die-with-parent",
      // The command is the first process: when it ends, the kernel ends all the others before bwrap hears of it.
      "--as-pid-1", "--seccomp", std::to_string(kFilterFd), "--json-status-fd", std::to_string(kStatusFd), "--block-fd",
      std::to_string(kBlockFd), "--clearenv"};
  const auto add = [&](std::initializer_list<std::string> more) {
    arguments.insert(arguments.end(), more.begin(), more.end());
  };
  add({"--setenv", "PATH", "/usr/bin:/bin", "--setenv", "HOME", "/tmp", "--setenv", "TMPDIR", "/tmp"});
  // Text is UTF-8; sets of strings have one order, so that a run can be repeated; threads share their arenas, which
  // count as addresses.
  add({"--setenv", "LANG", "C.UTF-8", "--setenv", "PYTHONHASHSEED", "0", "--setenv", "MALLOC_ARENA_MAX", "2"});
  add({"--ro-bind", "/usr", "/usr", "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"});
  for (const char* path : {"/bin", "/sbin", "/lib", "/lib64", "/lib32", "/libx32"}) add_system_folder(arguments, path);
  for (const char* device : {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}) {
    add({"--dev-bind", device, device});
  }
  add({"--size", std::to_string(command.limits.file_bytes), "--perms", "0700", "--tmpfs", "/tmp", "--dir", "/box"});
  for (const SandboxFolder& folder : command.folders) {
    if (!plain_path(folder.outside, "/") || !plain_path(folder.inside, "/")) {
      return fail(ErrorCode::kInvalidArgument, "sandbox: folder '{}' at '{}': expected absolute paths without ..",
                  folder.outside, folder.inside);
    }
    add({"--ro-bind", folder.outside, folder.inside});
  }
  int fd = kFirstFileFd;
  for (const SandboxFile& file : command.files) {
    if (!plain_path(file.path, "/box/")) {
      return fail(ErrorCode::kInvalidArgument, "sandbox: file '{}': expected a path below /box without ..", file.path);
    }
    add({"--perms", file.mode == SandboxFile::Mode::kExecute ? "0555" : "0444", "--file", std::to_string(fd++),
         file.path});
  }
  add({"--remount-ro", "/", "--chdir", "/tmp", "--"});
  arguments.insert(arguments.end(), command.argv.begin(), command.argv.end());
  return arguments;
}

}  // namespace retort::grade
