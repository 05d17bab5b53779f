// retort eval report: a run as one HTML file that works offline.
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string>

#include "cli/eval_commands.h"
#include "cli/eval_prepare.h"
#include "cli/eval_write.h"
#include "cli/grade_commands.h"
#include "cli/safe_text.h"
#include "core/json.h"
#include "eval/report.h"
#include "eval/store.h"
#include "eval/task_folder.h"

namespace retort::cli {
namespace {

struct ReportOptions {
  std::string folder;
  std::string output;
  TaskDataOptions where;
};

std::string config_text(const Json& config, std::string_view field, std::string_view fallback) {
  const Json* found = eval::config_field(config, field);
  return found && found->is_string() ? found->get<std::string>() : std::string(fallback);
}

/// What the run's own record says of its task, for a page without what only the task's folder tells.
Expected<eval::Task> task_of_config(const Json& config) {
  eval::Task task;
  // The task is told by its name alone or by an object of which the name is a field.
  const Json* told = eval::config_field(config, "task");
  task.name = config_text(config, told && told->is_string() ? "task" : "name", "unknown task");
  task.title = task.name;
  RETORT_TRY(task.grade.kind,
             eval::grade_kind_from(config_text(config, "kind", config_text(config, "grade", "maths"))));
  const Json* version = eval::config_field(config, told && told->is_object() ? "version" : "task_version");
  if (version && version->is_number_integer()) task.version = version->get<std::int64_t>();
  return task;
}

Expected<eval::Task> task_of_run(const ReportOptions& options, const Json& config) {
  RETORT_TRY(eval::Task recorded, task_of_config(config));
  auto found = [&]() -> Expected<eval::Task> {
    RETORT_TRY(const std::filesystem::path folder, eval::tasks_folder(options.where.tasks));
    return eval::find_task(folder, recorded.name);
  }();
  if (found && found->version == recorded.version) return found;
  // Another version asks otherwise: its scores and texts would be put beside answers to something else.
  const std::string why = found
                              ? fmt::format("{}: the run is of version {} of the task, the tasks folder has version {}",
                                            recorded.name, recorded.version, found->version)
                              : found.error().message();
  if (!options.where.tasks.empty()) return fail(ErrorCode::kInvalidArgument, "--tasks: {}", why);
  fmt::print("without published scores: {}\n", terminal_safe(why));
  return recorded;
}

/// The task's data, where it is at hand and what the run was asked from.
Expected<std::optional<eval::TaskRows>> rows_of_run(const ReportOptions& options, const eval::Task& task,
                                                    const Json& config) {
  const std::string asked = config_text(config, "data_sha256", "");
  auto rows = [&]() -> Expected<eval::TaskRows> {
    RETORT_TRY(const std::filesystem::path path, eval::data_path(task, task.data, options.where.data));
    RETORT_TRY(eval::TaskRows read, eval::load_rows(task, path, {}));
    if (read.questions.sha256 != asked) {
      return fail(ErrorCode::kInvalidArgument, "{}: the run was asked from data with sha256 {} but this has {}",
                  path.string(), asked, read.questions.sha256);
    }
    return read;
  }();
  if (rows) return std::optional(std::move(*rows));
  if (!options.where.data.chosen.empty() || !options.where.data.root.empty()) return fail(rows.error());
  fmt::print("without the questions' texts and subjects: {}\n", terminal_safe(rows.error().message()));
  return std::optional<eval::TaskRows>();
}

Status write_report_of(const ReportOptions& options) {
  RETORT_TRY(const eval::SampleStore store, eval::SampleStore::open_to_read(options.folder));
  RETORT_TRY(const std::vector<eval::Sample> samples, store.samples());
  RETORT_TRY(const eval::Task task, task_of_run(options, store.config()));
  RETORT_TRY(const std::optional<eval::TaskRows> rows, rows_of_run(options, task, store.config()));
  grade::MathsGrader maths({.worker = maths_worker_command()});
  const eval::SameAnswer same = same_answer(task, maths);
  const eval::Summary summary = eval::summarize(samples, {.same = same, .bootstrap = {}});
  const std::filesystem::path path = options.output.empty() ? std::filesystem::path(options.folder) / "report.html"
                                                            : std::filesystem::path(options.output);
  RETORT_TRY_STATUS(eval::write_report(path, {.task = task,
                                              .config = store.config(),
                                              .config_hash = store.config_hash(),
                                              .started_at = store.started_at(),
                                              .summary = summary,
                                              .samples = samples,
                                              .rows = rows ? &*rows : nullptr,
                                              .same = same}));
  fmt::print("{} samples of {} questions in {}\n", samples.size(), summary.counters.questions, path.string());
  return {};
}

}  // namespace

void add_eval_report(Command group) {
  auto options = std::make_shared<ReportOptions>();
  Command command = group.add_subcommand("report", "A run as one HTML file, to be read in a browser");
  command.footer(
      "'retort eval TASK' writes the same file when it ends. With the task's data, the page also shows the questions\n"
      "and, where rows have one, scores by subject.");
  command.add("DIR", options->folder, "Folder of a run: OUTPUT/TASK").required();
  command.add("--output", options->output, "The file [DIR/report.html]");
  add_task_data_options(command, options->where);
  command.on_use([options] { return write_report_of(*options); });
}

}  // namespace retort::cli
