// What of a task decides its scores, for the configuration of a run.
#pragma once

#include <cstdint>

#include "core/json_fwd.h"
#include "eval/question.h"
#include "eval/task.h"

namespace retort::eval {

/// The fields of a run's configuration (SampleStore::open) that say what is asked and how it is graded: task and its
/// version, the sha256 of the data, prompt, choices, grade and its rules ("think", "grade_profile", which grading again
/// may change). Sampling is not in it, since the command line may change it: what was used belongs beside them.
/// `shot_count`: as given to Questions::make.
Json task_config(const Task& task, const TaskRows& rows, std::int64_t shot_count);

}  // namespace retort::eval
