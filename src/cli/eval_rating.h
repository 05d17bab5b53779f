// A rating from a run's samples, where its rows are problems of contests that were held.
#pragma once

#include <span>
#include <string>

#include "core/error.h"
#include "eval/question.h"
#include "eval/sample.h"
#include "eval/task.h"

namespace retort::cli {

struct RatedRun {
  const eval::Task& task;
  const eval::TaskRows& rows;
  std::span<const eval::Sample> samples;  ///< of one question together, in the order of their index
};
struct RatingFiles {
  std::string standings;
  std::string histogram;  ///< empty: no percentile
};
/// Prints the mean rating over the contests of `standings` that the rows name, and its percentile.
Status print_rating(const RatedRun& run, const RatingFiles& files);

}  // namespace retort::cli
