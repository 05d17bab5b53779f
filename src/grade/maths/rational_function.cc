// Quotients of polynomials, FLINT's: equal where they are once both are multiplied by both denominators.
#include <algorithm>
#include <flint/fmpq_mpoly.h>
#include <string>
#include <vector>

#include "grade/maths/exact.h"
#include "grade/maths/rational.h"

namespace retort::grade {
namespace {

constexpr long kMaxPower = 64;
constexpr slong kMaxTerms = 2'000;

class Ring {
 public:
  explicit Ring(std::size_t variables) { fmpq_mpoly_ctx_init(context_, static_cast<slong>(variables), ORD_LEX); }
  ~Ring() { fmpq_mpoly_ctx_clear(context_); }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  [[nodiscard]] fmpq_mpoly_ctx_struct* get() { return context_; }

 private:
  fmpq_mpoly_ctx_t context_;
};

class Polynomial {
 public:
  explicit Polynomial(Ring& ring) : ring_(ring) { fmpq_mpoly_init(value_, ring_.get()); }
  ~Polynomial() { fmpq_mpoly_clear(value_, ring_.get()); }
  Polynomial(const Polynomial&) = delete;
  Polynomial& operator=(const Polynomial& other) {
    fmpq_mpoly_set(value_, other.value_, ring_.get());
    return *this;
  }
  [[nodiscard]] fmpq_mpoly_struct* get() { return value_; }
  [[nodiscard]] slong terms() { return fmpq_mpoly_length(value_, ring_.get()); }
  [[nodiscard]] bool is_zero() { return fmpq_mpoly_is_zero(value_, ring_.get()) != 0; }
  void multiply(Polynomial& by) { fmpq_mpoly_mul(value_, value_, by.value_, ring_.get()); }

 private:
  Ring& ring_;
  fmpq_mpoly_t value_;
};

/// Not in lowest terms: equality multiplies crosswise.
struct Fraction {
  explicit Fraction(Ring& ring) : above(ring), below(ring) { fmpq_mpoly_set_si(below.get(), 1, ring.get()); }
  [[nodiscard]] bool is_small() { return above.terms() <= kMaxTerms && below.terms() <= kMaxTerms; }
  Polynomial above;
  Polynomial below;
};

class Converter {
 public:
  Converter(Ring& ring, const std::vector<std::string>& names) : ring_(ring), names_(names) {}

  bool convert(const ExprPtr& expr, Fraction& out) {
    if (expr->kind == ExprKind::kNumber) {
      const std::optional<Rational> value = rational_of_digits(expr->name);
      if (value) fmpq_mpoly_set_fmpq(out.above.get(), value->get(), ring_.get());
      return value.has_value();
    }
    if (expr->kind == ExprKind::kSymbol) {
      const auto found = std::find(names_.begin(), names_.end(), expr->name);
      if (found == names_.end()) return false;
      fmpq_mpoly_gen(out.above.get(), found - names_.begin(), ring_.get());
      return true;
    }
    if (expr->kind == ExprKind::kPower) return power(*expr, out);
    if (!is_arithmetic(expr->kind) || !convert(expr->args[0], out)) return false;
    for (std::size_t i = 1; i < expr->args.size(); ++i) {
      Fraction next(ring_);
      if (!convert(expr->args[i], next) || !combine(expr->kind, out, next) || !out.is_small()) return false;
    }
    if (expr->kind == ExprKind::kNegative) fmpq_mpoly_neg(out.above.get(), out.above.get(), ring_.get());
    return true;
  }

 private:
  static bool is_arithmetic(ExprKind kind) {
    return kind == ExprKind::kSum || kind == ExprKind::kProduct || kind == ExprKind::kQuotient ||
           kind == ExprKind::kNegative;
  }
  bool combine(ExprKind kind, Fraction& out, Fraction& next) {
    // Products of more terms than that are not begun.
    if (out.above.terms() * next.above.terms() > kMaxTerms * 16 ||
        out.below.terms() * next.below.terms() > kMaxTerms * 16) {
      return false;
    }
    if (kind == ExprKind::kSum) {
      Polynomial other(ring_);
      other = next.above;
      other.multiply(out.below);
      out.above.multiply(next.below);
      fmpq_mpoly_add(out.above.get(), out.above.get(), other.get(), ring_.get());
      out.below.multiply(next.below);
    } else if (kind == ExprKind::kProduct) {
      out.above.multiply(next.above);
      out.below.multiply(next.below);
    } else {
      if (next.above.is_zero()) return false;
      out.above.multiply(next.below);
      out.below.multiply(next.above);
    }
    return true;
  }
  bool power(const Expr& expr, Fraction& out) {
    const std::optional<Rational> exponent = rational_value(expr.args[1]);
    const std::optional<long> n = exponent ? exponent->small(kMaxPower) : std::nullopt;
    Fraction base(ring_);
    if (!n || !convert(expr.args[0], base) || (*n < 0 && base.above.is_zero())) return false;
    fmpq_mpoly_set_si(out.above.get(), 1, ring_.get());
    fmpq_mpoly_set_si(out.below.get(), 1, ring_.get());
    for (long i = 0; i < (*n < 0 ? -*n : *n); ++i) {
      if (!combine(*n < 0 ? ExprKind::kQuotient : ExprKind::kProduct, out, base) || !out.is_small()) return false;
    }
    return true;
  }

  Ring& ring_;
  const std::vector<std::string>& names_;
};

}  // namespace

Decision decide_rational_functions(const ExprPtr& a, const ExprPtr& b) {
  std::vector<std::string> names = symbols_of(make(ExprKind::kList, {a, b}));
  if (names.empty() || names.size() > 16) return Decision::kUnknown;
  Ring ring(names.size());
  Fraction left(ring);
  Fraction right(ring);
  Converter converter(ring, names);
  if (!converter.convert(a, left) || !converter.convert(b, right)) return Decision::kUnknown;
  left.above.multiply(right.below);
  right.above.multiply(left.below);
  const bool equal = fmpq_mpoly_equal(left.above.get(), right.above.get(), ring.get()) != 0;
  return equal ? Decision::kEqual : Decision::kUnequal;
}

}  // namespace retort::grade
