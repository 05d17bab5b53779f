// What a mathematical answer says, LaTeX or plain text, as a tree.
//
//   answer    = part { (";" | "and" | "or") part }           part = relation { "," relation }
//   relation  = set { ("=" | "<" | "<=" | "!=" | "~" | "in" ...) set }
//   set       = ratio { ("cup" | "cap" | "setminus") ratio }  ratio = sum { ":" sum }
//   sum       = term { ("+" | "-" | "+-") term }              term = factor { ["*" | "/"] factor }
//   factor    = sign factor | atom { "^" exponent | "_" subscript | "!" | "%" | unit }
//
// Read as answers are written: "\frac12", "3\frac{1}{2}" (three and a half), "\sin 2x", "204_5" (in base 5),
// "5 \text{ cm}^2" (the unit is dropped), "0.\overline{3}".
#pragma once

#include <string_view>

#include "core/error.h"
#include "grade/maths/expr.h"

namespace retort::grade {

inline constexpr int kMaxAnswerDepth = 100;  ///< of brackets and operators within one another

/// kInvalidArgument where it is no mathematics, kOutOfRange where it is longer or deeper than the limits.
Expected<ExprPtr> parse_answer(std::string_view text);

}  // namespace retort::grade
