// What a run leaves beside its samples: results.json, samples_TASK.jsonl and report.html.
#pragma once

#include <filesystem>
#include <span>

#include "core/error.h"
#include "core/json.h"
#include "eval/majority.h"
#include "eval/question.h"
#include "eval/results.h"
#include "eval/scores.h"
#include "grade/maths/maths_worker.h"

namespace retort::cli {

/// What counts as one answer for the majority: for mathematics what is worth the same. `maths` must outlive it.
eval::SameAnswer same_answer(const eval::Task& task, grade::MathsGrader& maths);

struct StoredRun {
  const eval::Task& task;
  const eval::TaskRows& rows;
  const Json& config;
  const eval::RunRecord& record;
  std::span<const eval::Sample> samples;
};
Expected<eval::Summary> write_run(const std::filesystem::path& folder, const StoredRun& run, grade::MathsGrader& maths);

}  // namespace retort::cli
