// Whether two expressions that stand for one value each are the same value.
#pragma once

#include "grade/maths/expr.h"
#include "grade/maths/profile.h"

namespace retort::grade {

enum class ScalarVerdict {
  kUnequal,
  kExactly,      ///< by exact arithmetic or normal forms
  kNumerically,  ///< by rounding as the rules allow, or at sample points to 100 digits and more
};

/// Numbers by exact arithmetic, Arb and Calcium; expressions with variables by normal forms of rational functions, or
/// at sample points by interval arithmetic. Decimals, which are rounded, agree as the profile says.
ScalarVerdict compare_scalars(const ExprPtr& gold, const ExprPtr& pred, const MathsRules& rules);

enum class Proportion { kNone, kPositive, kOther };

/// Whether a is a constant times b, and whether that constant is a positive number: then a < 0 says what b < 0 says.
Proportion proportion_of(const ExprPtr& a, const ExprPtr& b);

/// 1 or -1 for plus or minus infinity, 0 for everything else.
int infinity_sign(const ExprPtr& expr);

}  // namespace retort::grade
