#include "grade/maths/rational.h"

#include <algorithm>
#include <cstdlib>
#include <flint/flint.h>
#include <flint/fmpz.h>
#include <utility>
#include <vector>

namespace retort::grade {
namespace {

using Maybe = std::optional<Rational>;

constexpr long kMaxFactorial = 5'000;

Maybe power(const Rational& base, const Rational& exponent) {
  const std::optional<long> n = exponent.small(kMaxBits);
  if (!n || (*n < 0 && base.sign() == 0)) return std::nullopt;
  const auto bits = static_cast<long>(std::max(fmpz_bits(fmpq_numref(base.get())), fmpz_bits(fmpq_denref(base.get()))));
  if (std::labs(*n) * bits > kMaxBits) return std::nullopt;
  Rational out;
  fmpq_pow_si(out.get(), base.get(), *n);
  return out;
}

Maybe whole_function(const std::string& name, const std::vector<Rational>& args) {
  Rational out(0);
  fmpz* result = fmpq_numref(out.get());
  if (name == "floor" || name == "ceil") {
    const Rational& x = args.front();
    if (name == "floor") fmpz_fdiv_q(result, fmpq_numref(x.get()), fmpq_denref(x.get()));
    if (name == "ceil") fmpz_cdiv_q(result, fmpq_numref(x.get()), fmpq_denref(x.get()));
    return out;
  }
  if (name == "factorial") {
    const std::optional<long> n = args.front().small(kMaxFactorial);
    if (!n || *n < 0) return std::nullopt;
    fmpz_fac_ui(result, static_cast<ulong>(*n));
    return out;
  }
  if (name == "binomial" && args.size() == 2) {
    const std::optional<long> n = args[0].small(kMaxFactorial);
    const std::optional<long> k = args[1].small(kMaxFactorial);
    if (!n || !k || *n < 0 || *k < 0) return std::nullopt;
    fmpz_bin_uiui(result, static_cast<ulong>(*n), static_cast<ulong>(*k));
    return out;
  }
  if (name == "gcd" || name == "lcm") {
    fmpz_abs(result, fmpq_numref(args.front().get()));
    for (const Rational& x : args) {
      if (!x.is_whole()) return std::nullopt;
      if (name == "gcd") fmpz_gcd(result, result, fmpq_numref(x.get()));
      if (name == "lcm") fmpz_lcm(result, result, fmpq_numref(x.get()));
      if (!out.fits()) return std::nullopt;
    }
    return out;
  }
  return std::nullopt;
}

Maybe function(const std::string& name, const std::vector<Rational>& args) {
  if (args.empty()) return std::nullopt;
  if (name == "abs") {
    Rational out;
    fmpq_abs(out.get(), args.front().get());
    return out;
  }
  if (name == "max" || name == "min") {
    Rational out = args.front();
    for (const Rational& x : args) {
      if (fmpq_cmp(x.get(), out.get()) * (name == "max" ? 1 : -1) > 0) out = x;
    }
    return out;
  }
  return whole_function(name, args);
}

Maybe based(const Expr& expr) {
  const std::optional<Rational> base = rational_of_digits(expr.args[0]->name);
  const std::optional<long> b = base ? base->small(36) : std::nullopt;
  if (!b || *b < 2) return std::nullopt;
  Rational out;
  if (fmpz_set_str(fmpq_numref(out.get()), expr.name.c_str(), static_cast<int>(*b)) != 0) return std::nullopt;
  return out;
}

Maybe combined(const Expr& expr, const std::vector<Rational>& args) {
  Rational out = args.front();
  switch (expr.kind) {
    case ExprKind::kSum:
      for (std::size_t i = 1; i < args.size(); ++i) fmpq_add(out.get(), out.get(), args[i].get());
      break;
    case ExprKind::kProduct:
      for (std::size_t i = 1; i < args.size(); ++i) {
        fmpq_mul(out.get(), out.get(), args[i].get());
        if (!out.fits()) return std::nullopt;
      }
      break;
    case ExprKind::kQuotient:
      if (args[1].sign() == 0) return std::nullopt;
      fmpq_div(out.get(), out.get(), args[1].get());
      break;
    case ExprKind::kNegative:
      fmpq_neg(out.get(), out.get());
      break;
    case ExprKind::kPercent:
      fmpq_div_fmpz(out.get(), out.get(), fmpq_numref(Rational(100).get()));
      break;
    case ExprKind::kPower:
      return power(args[0], args[1]);
    case ExprKind::kFunction:
      return function(expr.name, args);
    default:
      return std::nullopt;
  }
  return out.fits() ? Maybe(out) : std::nullopt;
}

}  // namespace

std::optional<long> Rational::small(long limit) const {
  if (!is_whole() || fmpz_cmpabs(fmpq_numref(value_), fmpq_numref(Rational(limit).get())) > 0) return std::nullopt;
  return fmpz_get_si(fmpq_numref(value_));
}

std::string Rational::text() const {
  char* text = fmpq_get_str(nullptr, 10, value_);
  std::string out(text);
  flint_free(text);
  return out;
}

std::optional<Rational> rational_of_digits(const std::string& digits) {
  std::string whole;
  long exponent = 0;
  bool behind_point = false;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (digits[i] == '.') {
      behind_point = true;
    } else if (digits[i] == 'e') {
      const long written = std::strtol(digits.c_str() + i + 1, nullptr, 10);
      if (std::labs(written) > kMaxBits / 4) return std::nullopt;
      exponent += written;
      break;
    } else {
      whole += digits[i];
      if (behind_point) --exponent;
    }
  }
  if (whole.empty() || whole.size() > kMaxBits / 4) return std::nullopt;
  Rational out;
  if (fmpz_set_str(fmpq_numref(out.get()), whole.c_str(), 10) != 0) return std::nullopt;
  if (exponent != 0) {
    Rational scale;
    fmpq_pow_si(scale.get(), Rational(10).get(), exponent);
    fmpq_mul(out.get(), out.get(), scale.get());
  }
  return out;
}

std::optional<Rational> rational_value(const ExprPtr& expr) {
  if (expr->kind == ExprKind::kNumber) return rational_of_digits(expr->name);
  if (expr->kind == ExprKind::kBased) return based(*expr);
  if (expr->args.empty() || expr->kind == ExprKind::kApply) return std::nullopt;
  std::vector<Rational> args;
  for (const ExprPtr& arg : expr->args) {
    Maybe value = rational_value(arg);
    if (!value) return std::nullopt;
    args.push_back(std::move(*value));
  }
  return combined(*expr, args);
}

}  // namespace retort::grade
