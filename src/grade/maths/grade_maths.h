// Whether a response gives the right answer to a mathematical question.
#pragma once

#include <string>
#include <string_view>

#include "grade/maths/extract.h"
#include "grade/maths/profile.h"
#include "grade/maths/verdict.h"

namespace retort::grade {

struct MathsQuestion {
  std::string_view gold;  ///< the right answer, bare, in dollars, in a box, or a solution that ends with a box
  std::string_view pred;  ///< the response
};

struct MathsVerdict {
  Reason reason = Reason::kNoAnswer;
  std::string extracted_gold;
  std::string extracted_pred;  ///< empty where the response holds no answer
  [[nodiscard]] bool equal() const { return is_equal(reason); }
};

struct MathsOptions {
  MathsRules rules;
  AnswerSearch search = AnswerSearch::kAnywhere;
};

/// In this process and without a deadline; maths_worker.h has one that holds a deadline.
MathsVerdict grade_maths(const MathsQuestion& question, const MathsOptions& options = {});

/// Decided at once where both are plain numbers, and nothing otherwise: quick, and bounded by their lengths.
std::optional<MathsVerdict> grade_plain_numbers(const MathsQuestion& question, const MathsOptions& options = {});

}  // namespace retort::grade
