// What an answer is worth once what only introduces it is gone: "x = 5" says 5, "x \in [0, 1]" says the interval,
// "1 \pm \sqrt 2" says two numbers.
#pragma once

#include <string>
#include <vector>

#include "grade/maths/expr.h"
#include "grade/maths/profile.h"

namespace retort::grade {

/// Without labels: a chain of equations that begins with a name, or with numbers alone, is its last exact member.
/// kStrict keeps them.
ExprPtr without_label(const ExprPtr& expr, MathsProfile profile);

/// The values of a list, set or "plus or minus", each one without "plus or minus"; the expression itself otherwise.
/// At most 64 values come of signs: beyond that it is left as it is.
std::vector<ExprPtr> values_of(const ExprPtr& expr, MathsProfile profile);

/// Words as they are compared: lower case, without spaces, punctuation and brackets around them; nothing where `expr`
/// is no text. Letters that the parser took for a product count: "Even" is E v e n.
std::string words_of(const ExprPtr& expr);

/// The names of variables replaced by where they first stand.
ExprPtr with_numbered_names(const ExprPtr& expr);

}  // namespace retort::grade
