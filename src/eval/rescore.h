// Grading stored answers again without asking the model again: by other rules, by a mended task, by a newer grader.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/cancel.h"
#include "core/error.h"
#include "core/json_fwd.h"
#include "eval/answer_grader.h"
#include "eval/question.h"
#include "eval/rescoring.h"
#include "eval/sample.h"
#include "eval/task.h"

namespace retort::eval {

/// A sample whose outcome or score is another now.
struct VerdictChange {
  Sample before;
  Sample after;
};

struct Rescored {
  std::vector<Sample> samples;         ///< all of them, in their order
  std::vector<VerdictChange> changes;  ///< in that order too
  std::int64_t graded = 0;             ///< those that were graded again
  std::int64_t skipped = 0;            ///< never answered, so that there is nothing to grade: left as they were
  std::int64_t reworded = 0;           ///< the same verdict, with another answer or reason
};

/// The rules that the run was graded by. kCorrupt where its configuration does not have them.
Expected<GradeRules> rules_of(const Json& config);
/// Makes `rules` the task's. kInvalidArgument for names that its grader does not know.
Status apply_rules(const GradeRules& rules, Task& task);

/// Whether `task` over `rows` is what the run asked: kInvalidArgument, saying what differs, for another task, kind of
/// grading or file of questions.
Status check_same_questions(const Json& config, const Task& task, const TaskRows& rows);

struct RescoreOptions {
  int jobs = 2;  ///< answers graded at a time
  /// How many of how many are done; now and then, from the thread that called.
  std::function<void(std::int64_t done, std::int64_t all)> on_progress;
};

/// Grades by task.grade. kCorrupt where a sample's question is not in the rows; kCancelled; else what a grader cannot
/// do is kFailed in its sample, as in a run.
Expected<Rescored> rescore(const Task& task, const TaskRows& rows, std::span<const Sample> samples,
                           const GraderTools& tools, const RescoreOptions& options, const CancelToken& cancel);

}  // namespace retort::eval
