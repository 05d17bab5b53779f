// What came out of comparing an answer with the right one, and why.
#pragma once

#include <string_view>

namespace retort::grade {

enum class Reason {
  kEqualSymbolic,  ///< the same value, by exact arithmetic or normal forms
  kEqualNumeric,   ///< the same value as far as rounding allows, or at sample points by interval arithmetic
  kEqualText,      ///< the same words
  kUnorderedSet,   ///< the same elements, perhaps in another order
  kEqualTuple,     ///< the same elements in the same order: pairs, matrices, ratios
  kEqualInterval,  ///< the same set of numbers
  kEqualRelation,  ///< the same equation or inequality
  kDifferent,      ///< both were understood and are not equal
  kNoAnswer,       ///< the response holds no answer
  kGoldFailed,     ///< the right answer is not understood: mend the data
  kParseFailed,    ///< the answer is not understood
  kTimeout,        ///< deciding took longer than the deadline
  kWorkerDied,     ///< deciding took more memory than there is, or broke the process that did it
};

/// "equal_symbolic", "unordered_set", "parse_failed", ...
std::string_view to_string(Reason reason);

/// Whether the answer is right for that reason.
bool is_equal(Reason reason);

}  // namespace retort::grade
