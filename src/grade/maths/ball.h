// Answers by interval arithmetic (Arb): a complex number that is surely within a ball. Balls that do not meet prove
// that two answers differ.
#pragma once

#include <acb.h>
#include <optional>
#include <vector>

#include "grade/maths/expr.h"

namespace retort::grade {

class Ball {
 public:
  Ball() { acb_init(value_); }
  Ball(const Ball& other) : Ball() { acb_set(value_, other.value_); }
  Ball& operator=(const Ball& other) {
    acb_set(value_, other.value_);
    return *this;
  }
  ~Ball() { acb_clear(value_); }
  [[nodiscard]] acb_ptr get() { return value_; }
  [[nodiscard]] acb_srcptr get() const { return value_; }
  [[nodiscard]] bool is_finite() const { return acb_is_finite(value_) != 0; }
  [[nodiscard]] bool meets(const Ball& other) const { return acb_overlaps(value_, other.value_) != 0; }
  /// Whether it says at least `bits` bits of what it surrounds.
  [[nodiscard]] bool is_sharp(long bits) const {
    return acb_rel_accuracy_bits(value_) >= bits || acb_is_zero(value_) != 0;
  }

 private:
  acb_t value_;
};

inline constexpr unsigned kPositiveSamplePoints = 5;

/// Point `index` of those at which answers with variables are compared. At the first five all variables are positive, at
/// later ones of either sign; a variable has the same value wherever it stands, told by its name.
struct SamplePoint {
  unsigned index = 0;
};

/// `expr` at that point with `bits` of precision. Nothing for what is no number (a set, a text) and for functions that
/// it does not know; a ball that is not finite where the value is undefined.
std::optional<Ball> ball_value(const ExprPtr& expr, SamplePoint point, long bits);

}  // namespace retort::grade
