// A run as one HTML file that works offline: scores beside those published, plots, and every sample.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "core/error.h"
#include "core/json_fwd.h"
#include "eval/question.h"
#include "eval/sample.h"
#include "eval/scores.h"
#include "eval/task.h"

namespace retort::eval {

/// What a report is made from; all of it must outlive the call.
struct ReportInput {
  const Task& task;
  const Json& config;               ///< the store's
  std::string_view config_hash;     ///< the store's
  std::string_view started_at;      ///< UTC
  const Summary& summary;           ///< of `samples`
  std::span<const Sample> samples;  ///< as SampleStore::samples() gives them
  const TaskRows* rows = nullptr;   ///< without it the page has no questions' texts and no subjects
  SameAnswer same = same_text;      ///< that of `summary`: for maj@k against k
};

struct ReportLimits {
  /// Of outputs in the page, all together: what goes beyond an even share, but never below `least_bytes` a sample, is
  /// left out in the middle of an output, and the page says how much.
  std::size_t output_bytes = std::size_t{64} << 20;
  std::size_t least_bytes = 4096;
  std::size_t steps = 200;  ///< listed, of a sample
};

/// All that the page shows. Shares are from 0 to 1; what is not known is null or absent. Fields:
///   task, run, counters (with "right" and "wrong"), metrics, at_k {pass, maj}, published, questions, samples
OrderedJson report_json(const ReportInput& input, const ReportLimits& limits = {});

/// The page with `data` in it. Whatever texts `data` holds, they are nothing but texts there: they cannot end the
/// element that holds them, and the page's script never makes elements of them.
std::string report_page(const OrderedJson& data);

/// A field of a run's configuration, which may stand at its top, in its object `task` or in that one's `prompt` or
/// `grade`; nullptr where it is nowhere.
const Json* config_field(const Json& config, std::string_view name);

/// Writes the page to `path`, under that name only once it is whole.
Status write_report(const std::filesystem::path& path, const ReportInput& input);

}  // namespace retort::eval
