// retort eval list: the tasks that there are.
#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <string>

#include "cli/eval_commands.h"
#include "core/json.h"
#include "eval/task_folder.h"

namespace retort::cli {
namespace {

struct ListOptions {
  std::string tasks;
  bool json = false;
};

Status list_tasks(const ListOptions& options) {
  RETORT_TRY(const auto folder, eval::tasks_folder(options.tasks));
  RETORT_TRY(const auto tasks, eval::all_tasks(folder));
  if (options.json) {
    OrderedJson list = OrderedJson::array();
    for (const eval::Task& task : tasks) {
      list.push_back(OrderedJson{{"name", task.name},
                                 {"title", task.title},
                                 {"description", task.description},
                                 {"grade", eval::to_string(task.grade.kind)}});
    }
    fmt::print("{}\n", json_text(OrderedJson{{"folder", folder.string()}, {"tasks", list}}));
    return {};
  }
  std::size_t widest = 0;
  for (const eval::Task& task : tasks) widest = std::max(widest, task.name.size());
  for (const eval::Task& task : tasks) fmt::print("{:<{}}  {}: {}\n", task.name, widest, task.title, task.description);
  fmt::print("{} tasks in {}\n", tasks.size(), folder.string());
  return {};
}

}  // namespace

void add_eval_list(Command group) {
  auto options = std::make_shared<ListOptions>();
  Command command = group.add_subcommand("list", "The tasks that there are");
  command.add("--tasks", options->tasks, "Folder of tasks (or RETORT_TASKS) [those that come with retort]");
  command.add_flag("--json", options->json, "Machine-readable output");
  command.on_use([options] { return list_tasks(*options); });
}

}  // namespace retort::cli
