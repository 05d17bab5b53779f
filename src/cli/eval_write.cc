#include "cli/eval_write.h"

#include "eval/report.h"

namespace retort::cli {

eval::SameAnswer same_answer(const eval::Task& task, grade::MathsGrader& maths) {
  if (task.grade.kind != eval::GradeKind::kMaths && task.grade.kind != eval::GradeKind::kNumber) return eval::same_text;
  return [&maths](std::string_view a, std::string_view b) {
    if (a == b) return true;
    const Expected<grade::MathsVerdict> verdict = maths.grade({a, b});
    return verdict && verdict->equal();
  };
}

Expected<eval::Summary> write_run(const std::filesystem::path& folder, const StoredRun& run,
                                  grade::MathsGrader& maths) {
  const eval::SameAnswer same = same_answer(run.task, maths);
  eval::Summary summary = eval::summarize(run.samples, {.same = same, .bootstrap = {}});
  RETORT_TRY_STATUS(eval::write_results(folder, run.task, eval::results_json(run.task, run.record, run.config, summary),
                                        run.samples));
  RETORT_TRY_STATUS(eval::write_report(folder / "report.html", {.task = run.task,
                                                                .config = run.config,
                                                                .config_hash = run.record.config_hash,
                                                                .started_at = run.record.started_at,
                                                                .summary = summary,
                                                                .samples = run.samples,
                                                                .rows = &run.rows,
                                                                .same = same}));
  return summary;
}

}  // namespace retort::cli
