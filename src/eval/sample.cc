#include "eval/sample.h"

namespace retort::eval {

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::kGraded:
      return "graded";
    case Outcome::kUnparsed:
      return "unparsed";
    case Outcome::kTimedOut:
      return "timeout";
    case Outcome::kFailed:
      return "failed";
  }
  return "?";
}

Expected<Outcome> outcome_from(std::string_view name) {
  for (const Outcome outcome : {Outcome::kGraded, Outcome::kUnparsed, Outcome::kTimedOut, Outcome::kFailed}) {
    if (name == to_string(outcome)) return outcome;
  }
  return fail(ErrorCode::kCorrupt, "an outcome must be graded, unparsed, timeout or failed but is '{}'", name);
}

bool was_answered(const Sample& sample) { return sample.finish_reason != "error"; }

}  // namespace retort::eval
