// What a task's answers are worth: the grader that its kind names, on one sample.
#pragma once

#include "core/json.h"
#include "eval/question.h"
#include "eval/sample.h"
#include "eval/task.h"
#include "grade/code/grade_code.h"
#include "grade/maths/maths_worker.h"

namespace retort::eval {

/// Shared by all threads; outlives the graders that use it.
struct GraderTools {
  grade::MathsGrader* maths = nullptr;  ///< of tasks whose kind is maths
  grade::CodeGrader* code = nullptr;    ///< of tasks that run code
};

/// Thread-safe. `task` and the tools must outlive it.
class AnswerGrader {
 public:
  AnswerGrader(const Task& task, const GraderTools& tools) : task_(&task), tools_(tools) {}

  /// Fills in answer, target, outcome, reason, score and think_bytes from `sample.output`. What cannot be graded is
  /// kFailed with its reason.
  void grade(const Question& question, const OrderedJson& row, Sample& sample) const;

 private:
  Status judge(const Question& question, const OrderedJson& row, std::string_view answer, Sample& sample) const;
  Status judge_maths(std::string_view answer, Sample& sample) const;
  Status judge_choice(const Question& question, std::string_view answer, Sample& sample) const;
  Status judge_number(std::string_view answer, Sample& sample) const;
  Status judge_code(const OrderedJson& row, std::string_view answer, Sample& sample) const;

  const Task* task_;
  GraderTools tools_;
};

}  // namespace retort::eval
