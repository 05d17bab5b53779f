// From the samples of a run to its scores.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "eval/bootstrap.h"
#include "eval/majority.h"
#include "eval/pass_at_k.h"
#include "eval/perplexity.h"
#include "eval/sample.h"
#include "eval/statistics.h"

namespace retort::eval {

/// One question's samples, summed up.
struct QuestionScore {
  std::string id;
  std::int64_t row = 0;
  Tries tries;                     ///< right: a score of 1
  double mean = 0;                 ///< of its samples' scores
  std::optional<double> majority;  ///< score of the answer that most gave; 0 where none had an answer
};

/// What went wrong besides wrong answers. A sample may count in several.
struct Counters {
  std::int64_t questions = 0;
  std::int64_t samples = 0;
  std::int64_t unparsed = 0;
  std::int64_t truncated = 0;  ///< ended by the limit of tokens
  std::int64_t timed_out = 0;
  std::int64_t failed = 0;
  std::int64_t empty = 0;  ///< nothing but blanks came
};

struct AtK {
  std::int64_t k = 0;
  Estimate estimate;  ///< over the questions that have at least k samples
};

struct Summary {
  Counters counters;
  std::int64_t fewest_samples = 0;  ///< of a question; the runs of an interrupted run differ
  std::int64_t most_samples = 0;
  Estimate mean;                             ///< pass@1: the mean over samples, then over questions
  Interval interval;                         ///< of `mean`, by the bootstrap over questions
  std::vector<AtK> pass_at_k;                ///< k = 1, 2, 4, ... and the fewest samples
  std::optional<AtK> majority;               ///< maj@k with all samples; only where each question has several
  std::optional<AtK> mean_g_pass;            ///< mG-Pass@k, likewise
  std::map<std::string, Estimate> metrics;   ///< further numbers of the samples, as `mean`
  std::optional<TextLikelihood> likelihood;  ///< of samples with loglikelihood, words and bytes
};

struct SummaryOptions {
  SameAnswer same = same_text;  ///< what counts as one answer for the majority
  BootstrapOptions bootstrap;
};

/// `samples` of one question must stand together (SampleStore::samples() gives them so), in the order of their index.
std::vector<QuestionScore> question_scores(std::span<const Sample> samples, const SameAnswer& same);
Summary summarize(std::span<const Sample> samples, const SummaryOptions& options = {});

}  // namespace retort::eval
