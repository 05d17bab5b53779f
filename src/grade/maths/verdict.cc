#include "grade/maths/verdict.h"

namespace retort::grade {

std::string_view to_string(Reason reason) {
  switch (reason) {
    case Reason::kEqualSymbolic:
      return "equal_symbolic";
    case Reason::kEqualNumeric:
      return "equal_numeric";
    case Reason::kEqualText:
      return "equal_text";
    case Reason::kUnorderedSet:
      return "unordered_set";
    case Reason::kEqualTuple:
      return "equal_tuple";
    case Reason::kEqualInterval:
      return "equal_interval";
    case Reason::kEqualRelation:
      return "equal_relation";
    case Reason::kDifferent:
      return "different";
    case Reason::kNoAnswer:
      return "no_answer";
    case Reason::kGoldFailed:
      return "gold_failed";
    case Reason::kParseFailed:
      return "parse_failed";
    case Reason::kTimeout:
      return "timeout";
    case Reason::kWorkerDied:
      return "worker_died";
  }
  return "unknown";
}

bool is_equal(Reason reason) { return reason <= Reason::kEqualRelation; }

}  // namespace retort::grade
