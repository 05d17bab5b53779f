// One answer of a model to one question, and what became of it: what is kept of a run.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"

namespace retort::eval {

/// How far an answer came. Only kGraded can have a score above 0; the others are counted apart, since a truncated or
/// unreadable answer says something else of a model than a wrong one.
enum class Outcome {
  kGraded,    ///< an answer was found and compared
  kUnparsed,  ///< no answer in the response
  kTimedOut,  ///< grading it, or running it, took too long
  kFailed,    ///< it could not be generated or graded; `reason` says why
};
std::string_view to_string(Outcome outcome);  ///< "graded", "unparsed", "timeout", "failed"
Expected<Outcome> outcome_from(std::string_view name);

struct Sample {
  std::string question_id;
  std::int64_t row = 0;       ///< the question's place in its data, from 0: the order of reports
  std::int64_t index = 0;     ///< which sample of the question, from 0
  std::string prompt_sha256;  ///< of the text that the model was given
  std::string output;         ///< raw, thinking and all
  std::string finish_reason;  ///< as to_string(FinishReason) says: "stop", "length", ...
  std::int64_t prompt_tokens = 0;
  std::int64_t output_tokens = 0;
  std::int64_t think_bytes = 0;       ///< of `output`, the part that is reasoning
  std::optional<std::string> answer;  ///< extracted
  std::string target;                 ///< the right one
  Outcome outcome = Outcome::kGraded;
  std::string reason;  ///< the grader's, one word or a sentence
  double score = 0;    ///< 0 to 1
  double seconds = 0;  ///< generating it
  std::uint64_t seed = 0;
  std::map<std::string, double> metrics;  ///< further numbers: "acc_norm", "loglikelihood", "words", "bytes", ...
};

/// Whether there is an output to grade: not where the model or an endpoint failed.
bool was_answered(const Sample& sample);

}  // namespace retort::eval
