#include "grade/code/process_usage.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <sys/statvfs.h>
#include <unistd.h>
#include <vector>

namespace retort::grade {
namespace {

// More than a limit on processes allows is not followed.
constexpr std::size_t kMostProcesses = 40'000;

std::string read_proc(const std::string& path) {
  std::string text;
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return text;
  char buffer[4096];
  for (ssize_t n = 0; (n = read(file, buffer, sizeof(buffer))) > 0;) text.append(buffer, static_cast<std::size_t>(n));
  close(file);
  return text;
}

std::int64_t number_at(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  std::int64_t number = 0;
  if (begin != std::string_view::npos) std::from_chars(text.data() + begin, text.data() + text.size(), number);
  return number;
}

// "PID (name) state ppid ...": the name may hold anything, so the fields are counted from its last parenthesis.
double cpu_ms_of(std::string_view stat) {
  constexpr int kUserTime = 14;  // field numbers as proc(5) counts; then system time, and both of children
  constexpr int kChildrenSystem = 17;
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string_view::npos) return 0;
  stat.remove_prefix(name_end + 1);
  std::int64_t ticks = 0;
  for (int field = 3; field <= kChildrenSystem; ++field) {
    const std::size_t begin = stat.find_first_not_of(' ');
    if (begin == std::string_view::npos) break;
    stat.remove_prefix(begin);
    if (field >= kUserTime) ticks += number_at(stat);
    stat.remove_prefix(std::min(stat.find(' '), stat.size()));
  }
  return 1000.0 * static_cast<double>(ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

// The sum of fields that are given in kB, in bytes.
std::int64_t kib_of(std::string_view text, std::initializer_list<std::string_view> fields) {
  std::int64_t kib = 0;
  for (const std::string_view field : fields) {
    const std::size_t at = text.find(field);
    if (at != std::string_view::npos) kib += number_at(text.substr(at + field.size()));
  }
  return kib * 1024;
}

// The children of each thread.
void add_children(pid_t process, std::vector<pid_t>& found) {
  const std::string tasks = fmt::format("/proc/{}/task", process);
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(tasks.c_str()), closedir);
  if (!folder) return;
  while (const dirent* entry = readdir(folder.get())) {  // NOLINT(concurrency-mt-unsafe): a stream of our own
    if (entry->d_name[0] == '.') continue;
    const std::string children = read_proc(fmt::format("{}/{}/children", tasks, entry->d_name));
    for (std::string_view rest = children; found.size() < kMostProcesses;) {
      const std::size_t end = rest.find(' ');
      if (end == std::string_view::npos) break;
      found.push_back(static_cast<pid_t>(number_at(rest.substr(0, end))));
      rest.remove_prefix(end + 1);
    }
  }
}

std::vector<pid_t> tree_of(pid_t first) {
  std::vector<pid_t> processes = {first};
  for (std::size_t i = 0; i < processes.size(); ++i) add_children(processes[i], processes);
  return processes;
}

}  // namespace

ProcessUsage usage_of_tree(pid_t first, std::int64_t tmp_bytes) {
  ProcessUsage usage;
  for (const pid_t process : tree_of(first)) {
    usage.cpu_ms += cpu_ms_of(read_proc(fmt::format("/proc/{}/stat", process)));
    usage.memory += kib_of(read_proc(fmt::format("/proc/{}/status", process)), {"RssAnon:", "RssShmem:", "VmPTE:"});
  }
  // While the sandbox is being built, the path leads to another file system, which has another size.
  struct statvfs space {};
  constexpr std::int64_t kPage = 64 << 10;  // the largest to which a size may have been rounded up
  if (statvfs((fmt::format("/proc/{}/root", first) + "/tmp").c_str(), &space) != 0) return usage;
  const auto size = static_cast<std::int64_t>(space.f_blocks * space.f_frsize);
  if (size < tmp_bytes || size >= tmp_bytes + kPage) return usage;
  usage.file_bytes = static_cast<std::int64_t>((space.f_blocks - space.f_bfree) * space.f_frsize);
  usage.files = static_cast<std::int64_t>(space.f_files - space.f_ffree);
  return usage;
}

std::int64_t exact_memory_of_tree(pid_t first) {
  std::int64_t memory = 0;
  for (const pid_t process : tree_of(first)) {
    const std::string rollup = read_proc(fmt::format("/proc/{}/smaps_rollup", process));
    memory += rollup.empty() ? kib_of(read_proc(fmt::format("/proc/{}/status", process)), {"RssAnon:", "RssShmem:"})
                             : kib_of(rollup, {"Pss_Anon:", "Pss_Shmem:"});
    memory += kib_of(read_proc(fmt::format("/proc/{}/status", process)), {"VmPTE:"});
  }
  return memory;
}

}  // namespace retort::grade
