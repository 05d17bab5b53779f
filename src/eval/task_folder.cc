#include "eval/task_folder.h"

#include <algorithm>
#include <cstdlib>
#include <system_error>

namespace retort::eval {
namespace {

namespace fs = std::filesystem;

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

Expected<std::vector<std::string>> task_names(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (is_there(it->path() / "task.toml")) names.push_back(it->path().filename().string());
  }
  if (error) return fail(ErrorCode::kIo, "{}: cannot list: {}", folder.string(), error.message());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Expected<fs::path> tasks_folder(std::string_view chosen) {
  const char* environment = std::getenv("RETORT_TASKS");
  if (!chosen.empty() || (environment && *environment)) {
    const fs::path path = !chosen.empty() ? fs::path(chosen) : fs::path(environment);
    if (is_folder(path)) return path;
    return fail(ErrorCode::kNotFound, "{}: no such folder of tasks (from {})", path.string(),
                !chosen.empty() ? "--tasks" : "RETORT_TASKS");
  }
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  const fs::path candidates[] = {program.parent_path().parent_path() / "share" / "retort" / "tasks",
                                 RETORT_TASKS_SOURCE, RETORT_TASKS_INSTALLED};
  for (const fs::path& path : candidates) {
    if (is_folder(path)) return path;
  }
  return fail(ErrorCode::kNotFound,
              "no folder of tasks: looked for {}, {} and {}; give it with --tasks or RETORT_TASKS",
              candidates[0].string(), candidates[1].string(), candidates[2].string());
}

Expected<std::vector<Task>> all_tasks(const fs::path& folder) {
  RETORT_TRY(const auto names, task_names(folder));
  std::vector<Task> tasks;
  for (const std::string& name : names) {
    RETORT_TRY(Task task, read_task(folder / name));
    tasks.push_back(std::move(task));
  }
  return tasks;
}

Expected<Task> find_task(const fs::path& folder, std::string_view name) {
  // A name is no path: "../x" must not lead out of the folder.
  RETORT_TRY(const auto names, task_names(folder));
  if (std::find(names.begin(), names.end(), name) != names.end()) return read_task(folder / name);
  std::string known;
  for (const std::string& other : names) known += (known.empty() ? "" : ", ") + other;
  return fail(ErrorCode::kNotFound, "no task '{}' in {}; there are: {}", name, folder.string(), known);
}

Expected<fs::path> data_path(const Task& task, const TaskFile& file, const DataLocation& location) {
  if (!location.chosen.empty()) return fs::path(location.chosen);
  if (file.file.empty()) {
    return fail(ErrorCode::kNotFound,
                "task {}: takes its questions from your own copy alone: give its path with --data; "
                "{} says where it comes from",
                task.name, (task.folder / "README.md").string());
  }
  const char* environment = std::getenv("RETORT_DATA");
  const fs::path root = !location.root.empty() ? fs::path(location.root) : fs::path(environment ? environment : "");
  if (root.empty()) {
    return fail(ErrorCode::kNotFound,
                "task {}: needs {}: give the folder that it is in with --data-root or "
                "RETORT_DATA, or the file itself with --data; {} says where it comes from",
                task.name, file.file, (task.folder / "README.md").string());
  }
  const fs::path path = root / file.file;
  if (is_there(path)) return path;
  fs::path zipped = path;
  zipped += ".gz";
  if (is_there(zipped)) return zipped;
  return fail(ErrorCode::kNotFound, "task {}: no {} (nor .gz); {} says where it comes from", task.name, path.string(),
              (task.folder / "README.md").string());
}

}  // namespace retort::eval
