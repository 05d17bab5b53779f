// Whether two numbers are the same, decided exactly by Calcium where it can: (sqrt 2 + sqrt 3)^2 is 5 + 2 sqrt 6.
//
// Its work is not bounded by much: call it where a deadline is held from outside (maths_worker.h), or for answers that
// one trusts.
#pragma once

#include "grade/maths/expr.h"

namespace retort::grade {

enum class Decision { kEqual, kUnequal, kUnknown };

/// Of two expressions without variables.
Decision decide_exactly(const ExprPtr& a, const ExprPtr& b);

/// Of two expressions that are quotients of polynomials: by FLINT's polynomials. kUnknown for others, and for those
/// that would be large.
Decision decide_rational_functions(const ExprPtr& a, const ExprPtr& b);

}  // namespace retort::grade
