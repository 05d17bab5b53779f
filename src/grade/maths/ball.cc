#include "grade/maths/ball.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "grade/maths/rational.h"

namespace retort::grade {
namespace {

/// FNV-1a.
std::uint64_t hash_of(std::string_view text, std::uint64_t hash) {
  for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3u;
  return hash;
}

/// A fraction with 1,009 below: from 0.3 to 2.8, of either sign behind the positive points.
Ball sample(std::string_view name, SamplePoint point) {
  std::uint64_t hash = hash_of(name, 0xcbf29ce484222325u + point.index);
  hash ^= hash >> 29;
  hash *= 0xbf58476d1ce4e5b9u;
  hash ^= hash >> 32;
  const long magnitude = 307 + static_cast<long>(hash % 2503);
  const bool negative = point.index >= kPositiveSamplePoints && (hash >> 40) % 2 == 1;
  Ball out;
  acb_set_si(out.get(), negative ? -magnitude : magnitude);
  acb_div_si(out.get(), out.get(), 1009, 256);
  return out;
}

using Maybe = std::optional<Ball>;
using Unary = void (*)(acb_t, const acb_t, slong);

void reciprocal_of(Unary function, acb_ptr out, acb_srcptr x, long bits) {
  function(out, x, bits);
  acb_inv(out, out, bits);
}
void inverse_of_reciprocal(Unary function, acb_ptr out, acb_srcptr x, long bits) {
  acb_inv(out, x, bits);
  function(out, out, bits);
}

void log_principal(acb_t out, const acb_t x, slong bits) { acb_log(out, x, bits); }

/// The real root of a negative number where the degree is odd; the principal one elsewhere.
Maybe root(const Ball& x, const Ball& degree, long bits) {
  Ball out;
  arf_t n;
  arf_init(n);
  arf_set(n, arb_midref(acb_realref(degree.get())));
  const bool whole = acb_is_int(degree.get()) != 0 && arf_cmpabs_2exp_si(n, 20) < 0;
  const long k = whole ? arf_get_si(n, ARF_RND_NEAR) : 0;
  arf_clear(n);
  if (k >= 1) {
    if (k % 2 == 1 && acb_is_real(x.get()) != 0 && arb_is_negative(acb_realref(x.get())) != 0) {
      acb_neg(out.get(), x.get());
      acb_root_ui(out.get(), out.get(), static_cast<ulong>(k), bits);
      acb_neg(out.get(), out.get());
    } else {
      acb_root_ui(out.get(), x.get(), static_cast<ulong>(k), bits);
    }
    return out;
  }
  acb_inv(out.get(), degree.get(), bits);
  acb_pow(out.get(), x.get(), out.get(), bits);
  return out;
}

Maybe of_one(const std::string& name, const Ball& x, long bits) {
  struct Entry {
    std::string_view name;
    Unary function;
    enum { kPlain, kReciprocal, kOfReciprocal } how;
  };
  static constexpr Entry kTable[] = {
      {"sqrt", acb_sqrt, Entry::kPlain},
      {"log", log_principal, Entry::kPlain},
      {"sin", acb_sin, Entry::kPlain},
      {"cos", acb_cos, Entry::kPlain},
      {"tan", acb_tan, Entry::kPlain},
      {"cot", acb_cot, Entry::kPlain},
      {"sec", acb_cos, Entry::kReciprocal},
      {"csc", acb_sin, Entry::kReciprocal},
      {"sinh", acb_sinh, Entry::kPlain},
      {"cosh", acb_cosh, Entry::kPlain},
      {"tanh", acb_tanh, Entry::kPlain},
      {"coth", acb_coth, Entry::kPlain},
      {"sech", acb_cosh, Entry::kReciprocal},
      {"csch", acb_sinh, Entry::kReciprocal},
      {"arcsin", acb_asin, Entry::kPlain},
      {"arccos", acb_acos, Entry::kPlain},
      {"arctan", acb_atan, Entry::kPlain},
      {"arccot", acb_atan, Entry::kOfReciprocal},
      {"arcsec", acb_acos, Entry::kOfReciprocal},
      {"arccsc", acb_asin, Entry::kOfReciprocal},
      {"arcsinh", acb_asinh, Entry::kPlain},
      {"arccosh", acb_acosh, Entry::kPlain},
      {"arctanh", acb_atanh, Entry::kPlain},
  };
  Ball out;
  for (const Entry& entry : kTable) {
    if (entry.name != name) continue;
    if (entry.how == Entry::kPlain) entry.function(out.get(), x.get(), bits);
    if (entry.how == Entry::kReciprocal) reciprocal_of(entry.function, out.get(), x.get(), bits);
    if (entry.how == Entry::kOfReciprocal) inverse_of_reciprocal(entry.function, out.get(), x.get(), bits);
    return out;
  }
  if (name == "abs") {
    acb_abs(acb_realref(out.get()), x.get(), bits);
    return out;
  }
  if (name == "factorial") {
    // Beyond this, gamma's own precision would grow with its argument.
    if (arf_cmpabs_2exp_si(arb_midref(acb_realref(x.get())), 16) > 0) return std::nullopt;
    acb_add_ui(out.get(), x.get(), 1, bits);
    acb_gamma(out.get(), out.get(), bits);
    return out;
  }
  if ((name == "floor" || name == "ceil") && acb_is_real(x.get()) != 0) {
    if (name == "floor") arb_floor(acb_realref(out.get()), acb_realref(x.get()), bits);
    if (name == "ceil") arb_ceil(acb_realref(out.get()), acb_realref(x.get()), bits);
    return out;
  }
  return std::nullopt;
}

Maybe of_two(const std::string& name, const Ball& x, const Ball& y, long bits) {
  if (name == "root") return root(x, y, bits);
  if (name != "log") return std::nullopt;
  Ball out;
  Ball below;
  acb_log(out.get(), x.get(), bits);
  acb_log(below.get(), y.get(), bits);
  acb_div(out.get(), out.get(), below.get(), bits);
  return out;
}

/// Arb's power with a huge exponent is quick but its result may have an exponent of megabytes in what follows.
bool is_tame(const Ball& x) { return arf_cmpabs_2exp_si(arb_midref(acb_realref(x.get())), 4096) < 0; }

Maybe combined(const Expr& expr, std::vector<Ball>& args, long bits) {
  Ball out = args.front();
  switch (expr.kind) {
    case ExprKind::kSum:
      for (std::size_t i = 1; i < args.size(); ++i) acb_add(out.get(), out.get(), args[i].get(), bits);
      return out;
    case ExprKind::kProduct:
      for (std::size_t i = 1; i < args.size(); ++i) acb_mul(out.get(), out.get(), args[i].get(), bits);
      return out;
    case ExprKind::kQuotient:
      acb_div(out.get(), out.get(), args[1].get(), bits);
      return out;
    case ExprKind::kNegative:
      acb_neg(out.get(), out.get());
      return out;
    case ExprKind::kPercent:
      acb_div_si(out.get(), out.get(), 100, bits);
      return out;
    case ExprKind::kPower:
      if (!is_tame(args[0]) || !is_tame(args[1])) return std::nullopt;
      acb_pow(out.get(), args[0].get(), args[1].get(), bits);
      return out;
    case ExprKind::kFunction:
      if (!is_tame(args[0])) return std::nullopt;
      if (args.size() == 1) return of_one(expr.name, args[0], bits);
      return args.size() == 2 ? of_two(expr.name, args[0], args[1], bits) : std::nullopt;
    default:
      return std::nullopt;
  }
}

Maybe leaf(const Expr& expr, SamplePoint point, long bits) {
  Ball out;
  if (expr.kind == ExprKind::kSymbol) return sample(expr.name, point);
  if (expr.kind != ExprKind::kConstant) return std::nullopt;
  if (expr.name == "pi") {
    acb_const_pi(out.get(), bits);
  } else if (expr.name == "e") {
    acb_set_si(out.get(), 1);
    acb_exp(out.get(), out.get(), bits);
  } else if (expr.name == "i") {
    acb_onei(out.get());
  } else {
    acb_indeterminate(out.get());
  }
  return out;
}

}  // namespace

std::optional<Ball> ball_value(const ExprPtr& expr, SamplePoint point, long bits) {
  if (expr->kind == ExprKind::kNumber || expr->kind == ExprKind::kBased) {
    const std::optional<Rational> value = rational_value(expr);
    if (!value) return std::nullopt;
    Ball out;
    acb_set_fmpq(out.get(), value->get(), bits);
    return out;
  }
  if (expr->kind == ExprKind::kApply) return sample(to_text(expr), point);
  if (expr->args.empty()) return leaf(*expr, point, bits);
  std::vector<Ball> args;
  for (const ExprPtr& arg : expr->args) {
    Maybe value = ball_value(arg, point, bits);
    if (!value) return std::nullopt;
    args.push_back(std::move(*value));
  }
  if (expr->kind == ExprKind::kFunction && args.size() >= 2) {
    // What only whole numbers have: binomial, gcd, max.
    if (const std::optional<Rational> value = rational_value(expr)) {
      Ball out;
      acb_set_fmpq(out.get(), value->get(), bits);
      return out;
    }
  }
  return combined(*expr, args, bits);
}

}  // namespace retort::grade
