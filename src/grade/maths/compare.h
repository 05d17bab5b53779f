// Whether two parsed answers say the same.
#pragma once

#include "grade/maths/expr.h"
#include "grade/maths/profile.h"
#include "grade/maths/verdict.h"

namespace retort::grade {

/// Never kNoAnswer, kGoldFailed or kTimeout.
Reason compare_answers(const ExprPtr& gold, const ExprPtr& pred, const MathsRules& rules);

}  // namespace retort::grade
