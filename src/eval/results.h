// The files that a run leaves: results.json and samples_TASK.jsonl, laid out as lm-evaluation-harness has them, so that
// its readers work; what it has no place for stands under "retort".
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/json_fwd.h"
#include "eval/rescoring.h"
#include "eval/sample.h"
#include "eval/scores.h"
#include "eval/task.h"

namespace retort::eval {

/// What is known of a run besides its samples.
struct RunRecord {
  std::string model;                  ///< as it was named
  std::int64_t shots = 0;             ///< examples before each question
  std::int64_t rows = 0;              ///< of the data, before any selection
  std::string started_at;             ///< UTC
  std::string config_hash;            ///< of the store
  double seconds = 0;                 ///< all that it took, interruptions left out
  std::vector<Rescoring> rescorings;  ///< of the store
};

/// Higher is better for all metrics but perplexities and bits per byte.
struct NamedMetric {
  std::string name;  ///< "pass@1", "maj@8", "acc", "word_perplexity", ...
  double value = 0;
  std::optional<double> standard_error;
  enum class Better { kHigher, kLower } better = Better::kHigher;
};
/// Those that a task of this kind is judged by, the most important first.
std::vector<NamedMetric> named_metrics(GradeKind kind, const Summary& summary);

/// `config`: the store's; its field `task` (eval/task_config.h) is what stands under `configs`.
OrderedJson results_json(const Task& task, const RunRecord& run, const Json& config, const Summary& summary);

/// One line a sample.
OrderedJson sample_json(const Sample& sample);

/// Writes both into `folder`, each under its name only once it is whole.
Status write_results(const std::filesystem::path& folder, const Task& task, const OrderedJson& results,
                     std::span<const Sample> samples);

}  // namespace retort::eval
