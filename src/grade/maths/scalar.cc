#include "grade/maths/scalar.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "grade/maths/ball.h"
#include "grade/maths/exact.h"
#include "grade/maths/rational.h"

namespace retort::grade {
namespace {

constexpr auto kPrecisions = std::to_array<long>({128, 512, 2048});
constexpr unsigned kSamplePoints = 10;
constexpr unsigned kEnoughPoints = 3;
constexpr long kSharpBits = 64;

/// Both values as real parts rounded to `digits` decimal places.
bool round_alike(const Ball& a, const Ball& b, int digits) {
  Rational scale(10);
  fmpq_pow_si(scale.get(), scale.get(), digits);
  const auto rounded = [&](arb_srcptr x, fmpz* out) {
    arb_t scaled;
    arb_init(scaled);
    arb_mul_fmpz(scaled, x, fmpq_numref(scale.get()), 512);
    arf_get_fmpz(out, arb_midref(scaled), ARF_RND_NEAR);
    arb_clear(scaled);
  };
  Rational left;
  Rational right;
  for (const bool imaginary : {false, true}) {
    rounded(imaginary ? acb_imagref(a.get()) : acb_realref(a.get()), fmpq_numref(left.get()));
    rounded(imaginary ? acb_imagref(b.get()) : acb_realref(b.get()), fmpq_numref(right.get()));
    if (fmpz_equal(fmpq_numref(left.get()), fmpq_numref(right.get())) == 0) return false;
  }
  return true;
}

/// |a - b| <= share |b|, surely.
bool within(const Ball& a, const Ball& b, double share) {
  Ball difference;
  acb_sub(difference.get(), a.get(), b.get(), 256);
  arb_t left;
  arb_t right;
  arb_init(left);
  arb_init(right);
  acb_abs(left, difference.get(), 64);
  acb_abs(right, b.get(), 64);
  arf_t factor;
  arf_init(factor);
  arf_set_d(factor, share);
  arb_mul_arf(right, right, factor, 64);
  const bool is_within = arb_le(left, right) != 0;
  arf_clear(factor);
  arb_clear(left);
  arb_clear(right);
  return is_within;
}

bool is_tiny(const Ball& x, int digits) {
  // Below ten thousand units of the last place, rounding alone would call too much the same.
  double bound = 1e4;
  for (int i = 0; i < digits; ++i) bound /= 10;
  arb_t size;
  arb_init(size);
  acb_abs(size, x.get(), 64);
  arf_t limit;
  arf_init(limit);
  arf_set_d(limit, bound);
  const bool is_below = arf_cmp(arb_midref(size), limit) < 0;
  arf_clear(limit);
  arb_clear(size);
  return is_below;
}

bool round_to_the_same(const Ball& gold, const Ball& pred, const MathsRules& rules) {
  switch (rules.profile) {
    case MathsProfile::kQwen:
      return within(pred, gold, rules.relative_tolerance);
    case MathsProfile::kMathVerify:
      return round_alike(gold, pred, rules.digits) && (!is_tiny(gold, rules.digits) || within(pred, gold, 1e-3));
    default:
      return false;
  }
}

/// Two values at one point, as sharp as they become.
struct Pair {
  Ball a;
  Ball b;
};
std::optional<Pair> values_at(const ExprPtr& a, const ExprPtr& b, SamplePoint point, long bits) {
  std::optional<Ball> left = ball_value(a, point, bits);
  if (!left || !left->is_finite()) return std::nullopt;
  std::optional<Ball> right = ball_value(b, point, bits);
  if (!right || !right->is_finite()) return std::nullopt;
  return Pair{*left, *right};
}

ScalarVerdict compare_constants(const ExprPtr& gold, const ExprPtr& pred, const MathsRules& rules) {
  const bool rounded = has_decimal(gold) || has_decimal(pred);
  const std::optional<Rational> left = rational_value(gold);
  const std::optional<Rational> right = left ? rational_value(pred) : std::nullopt;
  if (left && right) {
    if (*left == *right) return ScalarVerdict::kExactly;
    if (!rounded && rules.profile != MathsProfile::kQwen) return ScalarVerdict::kUnequal;
  }
  for (const long bits : kPrecisions) {
    const std::optional<Pair> values = values_at(gold, pred, {}, bits);
    if (!values) return ScalarVerdict::kUnequal;
    const bool close_enough = rounded || rules.profile == MathsProfile::kQwen;
    if (close_enough && round_to_the_same(values->a, values->b, rules)) return ScalarVerdict::kNumerically;
    if (!values->a.meets(values->b)) return ScalarVerdict::kUnequal;
    if (bits == kPrecisions.front()) {
      const Decision exactly = decide_exactly(gold, pred);
      if (exactly == Decision::kEqual) return ScalarVerdict::kExactly;
      if (exactly == Decision::kUnequal) return ScalarVerdict::kUnequal;
    }
    if (bits == kPrecisions.back() && values->a.is_sharp(kSharpBits)) return ScalarVerdict::kNumerically;
  }
  return ScalarVerdict::kUnequal;
}

/// Whether its value for negative variables depends on which root is meant: the cube root of -8 is -2, its power 1/3 is
/// not. Such answers are compared at positive points alone.
bool depends_on_branch(const ExprPtr& expr) {
  if (is(expr, ExprKind::kFunction) && expr->name == "root") return true;
  if (is(expr, ExprKind::kPower)) {
    const std::optional<Rational> exponent = rational_value(expr->args[1]);
    if (exponent && !exponent->is_whole() && fmpz_is_odd(fmpq_denref(exponent->get())) != 0) return true;
  }
  return std::any_of(expr->args.begin(), expr->args.end(), depends_on_branch);
}

/// Visits sample points where both have sharp values, until visit(pair) says no; how many it was shown, 0 after a no.
template <typename Visit>
unsigned at_sample_points(const ExprPtr& a, const ExprPtr& b, const Visit& visit) {
  unsigned seen = 0;
  const unsigned end = depends_on_branch(a) || depends_on_branch(b) ? kPositiveSamplePoints : kSamplePoints;
  for (unsigned index = 0; index < end; ++index) {
    for (const long bits : kPrecisions) {
      const std::optional<Pair> values = values_at(a, b, {index}, bits);
      if (!values) break;
      if (!values->a.is_sharp(kSharpBits) || !values->b.is_sharp(kSharpBits)) continue;
      if (!visit(*values)) return 0;
      ++seen;
      break;
    }
  }
  return seen;
}

ScalarVerdict compare_with_variables(const ExprPtr& gold, const ExprPtr& pred, const MathsRules& rules) {
  const bool rounded = has_decimal(gold) || has_decimal(pred);
  const Decision decision = decide_rational_functions(gold, pred);
  if (decision == Decision::kEqual) return ScalarVerdict::kExactly;
  if (decision == Decision::kUnequal && !rounded) return ScalarVerdict::kUnequal;
  const unsigned points = at_sample_points(gold, pred, [&](const Pair& values) {
    return values.a.meets(values.b) || (rounded && round_to_the_same(values.a, values.b, rules));
  });
  return points >= kEnoughPoints ? ScalarVerdict::kNumerically : ScalarVerdict::kUnequal;
}

ExprPtr percent_of(const ExprPtr& value) { return make(ExprKind::kQuotient, {value, make_number(100)}); }

}  // namespace

int infinity_sign(const ExprPtr& expr) {
  if (is(expr, ExprKind::kConstant)) return expr->name == "infinity" ? 1 : 0;
  if (is(expr, ExprKind::kNegative)) return -infinity_sign(expr->args[0]);
  return 0;
}

ScalarVerdict compare_scalars(const ExprPtr& gold, const ExprPtr& pred, const MathsRules& rules) {
  if (const int sign = infinity_sign(gold); sign != 0 || infinity_sign(pred) != 0) {
    return sign == infinity_sign(pred) ? ScalarVerdict::kExactly : ScalarVerdict::kUnequal;
  }
  if (!symbols_of(make(ExprKind::kList, {gold, pred})).empty()) return compare_with_variables(gold, pred, rules);
  const ScalarVerdict verdict = compare_constants(gold, pred, rules);
  if (verdict != ScalarVerdict::kUnequal || rules.profile != MathsProfile::kQwen) return verdict;
  const ScalarVerdict smaller = compare_constants(percent_of(gold), pred, rules);
  return smaller != ScalarVerdict::kUnequal ? smaller : compare_constants(gold, percent_of(pred), rules);
}

Proportion proportion_of(const ExprPtr& a, const ExprPtr& b) {
  std::optional<Ball> constant;
  const unsigned points = at_sample_points(a, b, [&](const Pair& values) {
    if (acb_contains_zero(values.a.get()) != 0 || acb_contains_zero(values.b.get()) != 0) return false;
    Ball ratio;
    acb_div(ratio.get(), values.a.get(), values.b.get(), 128);
    if (!constant) constant = ratio;
    return constant->meets(ratio);
  });
  if (points < kEnoughPoints || !constant) return Proportion::kNone;
  const bool positive =
      arb_is_positive(acb_realref(constant->get())) != 0 && arb_contains_zero(acb_imagref(constant->get())) != 0;
  return positive ? Proportion::kPositive : Proportion::kOther;
}

}  // namespace retort::grade
