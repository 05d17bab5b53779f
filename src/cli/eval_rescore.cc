// retort eval rescore: stored answers graded again, without asking the model again.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/eval_commands.h"
#include "cli/eval_prepare.h"
#include "cli/eval_write.h"
#include "cli/grade_commands.h"
#include "cli/interrupt.h"
#include "cli/pull_progress.h"
#include "cli/safe_text.h"
#include "core/log.h"
#include "eval/rescore.h"
#include "eval/results.h"
#include "eval/scores.h"
#include "eval/store.h"

namespace retort::cli {
namespace {

constexpr std::size_t kShownChanges = 20;

struct RescoreCommandOptions {
  std::string folder;
  std::optional<std::string> profile;
  std::optional<std::string> think;
  TaskDataOptions data;
  int grade_jobs = 2;
};

/// What the configuration and results.json know of the run, which a killed one does not have.
eval::RunRecord earlier_record(const std::filesystem::path& folder, const Json& config) {
  eval::RunRecord record;
  record.shots = json_int(config, "num_fewshot", {0, INT64_MAX}, 0).value_or(0);
  std::ifstream file(folder / "results.json");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto results = parse_json(text, "results.json");
  if (results && results->is_object()) record.model = json_string(*results, "model_name", "").value_or("");
  if (record.model.empty()) {
    const Json* model = json_find(config, "model");
    if (model != nullptr && model->is_object()) record.model = json_string(*model, "model", "").value_or("");
  }
  return record;
}

std::string verdict_text(const eval::Sample& sample) {
  return fmt::format("{} ({}, score {:g})", terminal_safe(sample.reason.substr(0, sample.reason.find('\n'))),
                     eval::to_string(sample.outcome), sample.score);
}

std::string rules_text(const eval::GradeRules& rules) {
  return fmt::format("profile {}, thinking {}", rules.profile.empty() ? "of the grader's default" : rules.profile,
                     rules.think);
}

void print_rescored(const eval::Rescored& rescored) {
  fmt::print("{} of {} verdicts changed", rescored.changes.size(), rescored.graded);
  if (rescored.reworded > 0) fmt::print("; {} kept theirs with another answer or reason", rescored.reworded);
  if (rescored.skipped > 0) fmt::print("; {} were never answered and stay failed", rescored.skipped);
  fmt::print("\n");
  for (std::size_t i = 0; i < std::min(rescored.changes.size(), kShownChanges); ++i) {
    const eval::VerdictChange& change = rescored.changes[i];
    fmt::print("  {} sample {}: {} -> {}\n", terminal_safe(change.after.question_id), change.after.index,
               verdict_text(change.before), verdict_text(change.after));
  }
  if (rescored.changes.size() > kShownChanges) {
    fmt::print("  ... and {} more\n", rescored.changes.size() - kShownChanges);
  }
}

void print_scores(eval::GradeKind kind, const char* heading, std::span<const eval::Sample> samples) {
  fmt::print("{:<7}", heading);
  const char* separator = "";
  for (const eval::NamedMetric& metric : named_metrics(kind, eval::summarize(samples))) {
    fmt::print("{}{} {:.2f}%", separator, metric.name, 100 * metric.value);
    separator = ", ";
  }
  fmt::print("\n");
}

Expected<eval::Rescored> grade_again(const RescoreCommandOptions& options, const RunQuestions& asked,
                                     const std::vector<eval::Sample>& samples) {
  const InterruptScope interrupt;
  grade::MathsGrader maths({.worker = maths_worker_command(), .workers = options.grade_jobs});
  grade::CodeGrader code({});
  const bool terminal = progress_style_of_stderr() == ProgressStyle::kTerminal;
  auto rescored = eval::rescore(asked.task, asked.rows, samples, {.maths = &maths, .code = &code},
                                {.jobs = options.grade_jobs,
                                 .on_progress =
                                     [terminal](std::int64_t done, std::int64_t all) {
                                       if (terminal) fmt::print(stderr, "\r\x1b[K{}/{} graded", done, all);
                                     }},
                                interrupt.token());
  if (terminal) fmt::print(stderr, "\r\x1b[K");
  return rescored;
}

Status rescore_run(const RescoreCommandOptions& options) {
  if (options.grade_jobs < 1) return fail(ErrorCode::kInvalidArgument, "--grade-jobs must be 1 or more");
  const std::filesystem::path folder = options.folder;
  RETORT_TRY(eval::SampleStore store, eval::SampleStore::open_to_regrade(folder));
  RETORT_TRY(RunQuestions asked, questions_of_run(store.config(), options.data));
  RETORT_TRY(const eval::GradeRules before, eval::rules_of(store.config()));
  const eval::GradeRules after = {.think = options.think.value_or(before.think),
                                  .profile = options.profile.value_or(before.profile)};
  RETORT_TRY_STATUS(eval::apply_rules(after, asked.task));
  RETORT_TRY(const std::int64_t version, json_int(store.config(), "task_version", {0, INT64_MAX}));
  if (version != asked.task.version) {
    log(LogLevel::kWarn, "task {}: the run was asked by its version {} and is graded by version {}", asked.task.name,
        version, asked.task.version);
  }
  RETORT_TRY(const std::vector<eval::Sample> samples, store.samples());
  if (samples.empty()) return fail(ErrorCode::kNotFound, "{}: the run has no samples yet", folder.string());
  RETORT_TRY(const eval::Rescored rescored, grade_again(options, asked, samples));
  eval::RunRecord record = earlier_record(folder, store.config());
  RETORT_TRY_STATUS(store.regrade(rescored.samples, {.task_version = asked.task.version,
                                                     .before = before,
                                                     .after = after,
                                                     .samples = rescored.graded,
                                                     .changed = static_cast<std::int64_t>(rescored.changes.size())}));
  record.rows = static_cast<std::int64_t>(asked.rows.ids.size());
  record.started_at = store.started_at();
  RETORT_TRY(record.seconds, store.seconds());
  record.config_hash = store.config_hash();
  RETORT_TRY(record.rescorings, store.rescorings());
  grade::MathsGrader maths({.worker = maths_worker_command(), .workers = options.grade_jobs});
  RETORT_TRY(const eval::Summary summary, write_run(folder,
                                                    {.task = asked.task,
                                                     .rows = asked.rows,
                                                     .config = store.config(),
                                                     .record = record,
                                                     .samples = rescored.samples},
                                                    maths));
  fmt::print("{}: {}", asked.task.name, rules_text(before));
  fmt::print(" -> {}\n", rules_text(after));
  print_rescored(rescored);
  print_scores(asked.task.grade.kind, "before", samples);
  print_scores(asked.task.grade.kind, "now", rescored.samples);
  return {};
}

}  // namespace

void add_eval_rescore(Command group) {
  auto options = std::make_shared<RescoreCommandOptions>();
  Command command = group.add_subcommand("rescore", "Grade a run's stored answers again, without the model");
  command.footer(
      "By the rules that the run was graded by, where no others are given: a newer grader or a mended task shows what\n"
      "it changes. All verdicts are replaced at once or, where it is interrupted, none. The run's configuration has\n"
      "the new rules then, and its results say under \"rescored\" what they were.");
  command.add("DIR", options->folder, "Folder of a run: OUTPUT/TASK").required();
  command.add("--profile", options->profile, "Grader's profile (docs/grading.md) [the run's]");
  command.add("--think", options->think,
              "What becomes of reasoning before an answer is read: strip, keep or require [the run's]");
  command.add("--grade-jobs", options->grade_jobs, "Answers graded at a time").show_default();
  add_task_data_options(command, options->data);
  command.on_use([options] { return rescore_run(*options); });
}

}  // namespace retort::cli
