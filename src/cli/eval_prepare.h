// A stored run, and the task and data that it asked: what grading it again needs.
#pragma once

#include <string>

#include "cli/command_line.h"
#include "core/json.h"
#include "eval/question.h"
#include "eval/task.h"
#include "eval/task_folder.h"

namespace retort::cli {

/// --tasks, --data and --data-root.
struct TaskDataOptions {
  std::string tasks;  ///< folder
  eval::DataLocation data;
};
void add_task_data_options(Command command, TaskDataOptions& options);

struct RunQuestions {
  eval::Task task;
  eval::TaskRows rows;
};
/// The task and data of a run with this configuration. kInvalidArgument where what is found is not what it asked.
Expected<RunQuestions> questions_of_run(const Json& config, const TaskDataOptions& options);

}  // namespace retort::cli
