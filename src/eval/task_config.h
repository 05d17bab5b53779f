// What of a task decides its scores, for the configuration of a run.
#pragma once

#include <cstdint>

#include "core/json_fwd.h"
#include "eval/question.h"
#include "eval/task.h"

namespace retort::eval {

/// The field `task` of a run's configuration (SampleStore::open): name, version, the sha256 of the data, prompt,
/// choices and grade as task.toml has them. Sampling is not in it, since the command line may change it: what was used
/// belongs beside it. `shot_count`: as given to Questions::make.
Json task_config(const Task& task, const TaskRows& rows, std::int64_t shot_count);

}  // namespace retort::eval
