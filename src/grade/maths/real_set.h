// Sets of real numbers as pieces: what "(-\infty, 2) \cup [3, 4]", "x < 2" and "1 \le |z| \le 2" say alike.
#pragma once

#include <optional>
#include <vector>

#include "grade/maths/expr.h"

namespace retort::grade {

enum class Bound { kOpen, kClosed };

/// From low to high; a point where both are the same tree and closed.
struct Piece {
  ExprPtr low;
  ExprPtr high;
  Bound low_bound;
  Bound high_bound;
};

enum class PairReading {
  kPair,      ///< (1, 2) is a pair of numbers
  kInterval,  ///< it is an interval, since what it is compared with is a set
};

/// The pieces of `expr`, or nothing where it is no such set. An inequality counts where one side, or the middle of a
/// chain, is a variable or an unknown function, alone or between bars.
std::optional<std::vector<Piece>> real_set_of(const ExprPtr& expr, PairReading reading);

/// Whether `expr` is an inequality or a list of them.
bool is_inequality(const ExprPtr& expr);

}  // namespace retort::grade
