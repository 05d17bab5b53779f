// Where the tasks and their data are.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "eval/task.h"

namespace retort::eval {

/// The first of these that is there: `chosen` (--tasks), RETORT_TASKS, share/retort/tasks beside the folder of this
/// program, the source tree that it was built from, the prefix that it was built for. A folder that was chosen by
/// option or variable and is not there is kNotFound: nothing else takes its place in silence.
Expected<std::filesystem::path> tasks_folder(std::string_view chosen);

/// All tasks there, by name. An unreadable one is an error, kCorrupt.
Expected<std::vector<Task>> all_tasks(const std::filesystem::path& folder);

/// kNotFound for an unknown name, with those that there are.
Expected<Task> find_task(const std::filesystem::path& folder, std::string_view name);

/// Where a task's file is: `chosen` if given (--data), else the task's path below `root` (--data-root, or
/// RETORT_DATA). With ".gz" behind it where only that is there. kNotFound says what to give.
struct DataLocation {
  std::string chosen;
  std::string root;
};
Expected<std::filesystem::path> data_path(const Task& task, const TaskFile& file, const DataLocation& location);

}  // namespace retort::eval
