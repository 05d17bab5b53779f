#include "cli/eval_prepare.h"

#include <filesystem>
#include <optional>

#include "eval/rescore.h"

namespace retort::cli {

void add_task_data_options(Command command, TaskDataOptions& options) {
  command.add("--tasks", options.tasks, "Folder of tasks (or RETORT_TASKS) [those that come with retort]");
  command.add("--data", options.data.chosen, "The task's data, in place of its file below --data-root");
  command.add("--data-root", options.data.root, "Folder that the tasks' files are below (or RETORT_DATA)");
}

Expected<RunQuestions> questions_of_run(const Json& config, const TaskDataOptions& options) {
  RunQuestions out;
  RETORT_TRY(const std::string name, json_string(config, "task"));
  RETORT_TRY(const std::filesystem::path folder, eval::tasks_folder(options.tasks));
  RETORT_TRY(out.task, eval::find_task(folder, name));
  RETORT_TRY(const std::filesystem::path data, eval::data_path(out.task, out.task.data, options.data));
  RETORT_TRY(out.rows, eval::load_rows(out.task, data, std::nullopt));
  RETORT_TRY_STATUS(eval::check_same_questions(config, out.task, out.rows));
  return out;
}

}  // namespace retort::cli
