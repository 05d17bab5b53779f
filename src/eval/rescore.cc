#include "eval/rescore.h"

#include <atomic>
#include <utility>

#include "core/json.h"
#include "eval/grade_profile.h"
#include "eval/grading_queue.h"

namespace retort::eval {
namespace {

bool same_verdict(const Sample& a, const Sample& b) { return a.outcome == b.outcome && a.score == b.score; }

Expected<std::size_t> place_of(const Sample& sample, const TaskRows& rows) {
  const auto place = static_cast<std::size_t>(sample.row);
  if (sample.row >= 0 && place < rows.ids.size() && rows.ids[place] == sample.question_id) return place;
  return fail(ErrorCode::kCorrupt,
              "{}: its row {} must be the question '{}' of the run but is not: the task names its questions in another "
              "way than when it was asked",
              rows.questions.path, sample.row, sample.question_id);
}

}  // namespace

Expected<GradeRules> rules_of(const Json& config) {
  GradeRules rules;
  RETORT_TRY(rules.think, json_string(config, "think"));
  RETORT_TRY(rules.profile, json_string(config, "grade_profile"));
  return rules;
}

Status apply_rules(const GradeRules& rules, Task& task) {
  const auto think = grade::think_policy_from(rules.think);
  if (!think) {
    return fail(ErrorCode::kInvalidArgument, "--think '{}' is not known; there are strip, keep, require", rules.think);
  }
  RETORT_TRY_STATUS(check_profile(task.grade.kind, rules.profile));
  task.grade.think = *think;
  task.grade.profile = rules.profile;
  return {};
}

Status check_same_questions(const Json& config, const Task& task, const TaskRows& rows) {
  RETORT_TRY(const std::string name, json_string(config, "task"));
  RETORT_TRY(const std::string kind, json_string(config, "grade"));
  RETORT_TRY(const std::string sha256, json_string(config, "data_sha256"));
  if (name != task.name) {
    return fail(ErrorCode::kInvalidArgument, "the run is of the task '{}' and not of '{}'", name, task.name);
  }
  if (kind != to_string(task.grade.kind)) {
    return fail(ErrorCode::kInvalidArgument, "task {}: the run was graded as '{}' but the task is '{}' now", name, kind,
                to_string(task.grade.kind));
  }
  if (!generates(task.grade.kind)) {
    return fail(ErrorCode::kInvalidArgument,
                "task {}: its scores ('{}') are likelihoods of the model, and no answer is kept that could be graded "
                "again; run it anew into another folder",
                name, kind);
  }
  if (sha256 != rows.questions.sha256) {
    return fail(ErrorCode::kInvalidArgument,
                "{}: is not the file that the run asked of: its sha256 is {} but the run's was {}; give that one with "
                "--data",
                rows.questions.path, rows.questions.sha256, sha256);
  }
  return {};
}

Expected<Rescored> rescore(const Task& task, const TaskRows& rows, std::span<const Sample> samples,
                           const GraderTools& tools, const RescoreOptions& options, const CancelToken& cancel) {
  // No shots: they are part of the prompt, which stays as it was, and graders do not see them.
  RETORT_TRY(const Questions questions, Questions::make(task, rows, 0));
  const AnswerGrader grader(task, tools);
  Rescored out;
  out.samples.assign(samples.begin(), samples.end());
  std::atomic<std::int64_t> done = 0;
  {
    GradingQueue queue(options.jobs);  // ends before what its jobs refer to
    for (Sample& sample : out.samples) {
      if (!was_answered(sample)) {
        ++out.skipped;
        continue;
      }
      RETORT_TRY(const std::size_t place, place_of(sample, rows));
      ++out.graded;
      queue.add([&, place, target = &sample]() -> Status {
        RETORT_TRY(const Question question, questions.at(place));
        grader.grade(question, rows.questions.rows[place].value, *target);
        ++done;
        return {};
      });
    }
    while (queue.pending() > 0 && !cancel.cancelled() && !queue.error()) {
      queue.wait_a_moment();
      if (options.on_progress) options.on_progress(done, out.graded);
    }
    if (cancel.cancelled()) return fail(ErrorCode::kCancelled, "interrupted; nothing has changed");
    if (const auto error = queue.error()) return fail(*error);
  }
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const Sample& now = out.samples[i];
    if (!same_verdict(samples[i], now)) {
      out.changes.push_back({samples[i], now});
    } else if (samples[i].answer != now.answer || samples[i].reason != now.reason) {
      ++out.reworded;
    }
  }
  return out;
}

}  // namespace retort::eval
