// A reasoning path, checked: every equation of numbers is worked out exactly, every line that rewrites an equation is
// compared with the one before it, and it is told where operands come from and whether the path ends at its answer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "grade/steps/texture.h"

namespace retort::grade {

enum class StepVerdict {
  kRight,      ///< both sides are the same value
  kRounded,    ///< they are as far as the written decimals go
  kWrong,      ///< they are not
  kRewriting,  ///< an equation with variables that says what an earlier one says
  kUnchecked,  ///< an equation with variables that is new, or sides that are not understood
  kTrivial,    ///< says nothing: "5 = 5", "7 + 0 = 7", "3 * 1 = 3"
  kDuplicate,  ///< stood there before
};

/// "right", "rounded", "wrong", ...
std::string_view to_string(StepVerdict verdict);

struct Step {
  std::string left;
  std::string right;
  StepVerdict verdict = StepVerdict::kUnchecked;
  std::vector<std::string> unknown_operands;  ///< neither in the question, nor derived before, nor a common constant
  bool verifies = false;                      ///< works out a number of the question again, from the answer
};

struct StepsReport {
  std::vector<Step> steps;
  int right = 0;  ///< kRight and kRounded
  int wrong = 0;
  bool derives = false;    ///< a right step takes a number of the question on, and its result is used or is the answer
  bool concludes = false;  ///< a right step's result is the answer
  bool grounded = false;   ///< and all operands on the way to it are known
  bool verified = false;   ///< some step verifies the answer
  Texture texture;
  /// From 0 to 1. What is added to a path cannot raise it unless it derives, grounds or verifies the answer for the
  /// first time: right steps beside the point, duplicates, identities and restated givens count nothing, each wrong
  /// step divides, repetition and a mix of languages take away.
  ///
  ///   (0.4 derives + 0.3 concludes + 0.2 grounded + 0.1 verified)
  ///   * 1 / (1 + wrong) * (1 - repetition) * (1 - language_mix)
  double score = 0;
};

struct Reasoning {
  std::string_view question;
  std::string_view response;
};

StepsReport check_steps(const Reasoning& reasoning);

}  // namespace retort::grade
