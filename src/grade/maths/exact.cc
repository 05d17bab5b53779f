#include "grade/maths/exact.h"

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "grade/maths/calcium_shim.h"
#include "grade/maths/rational.h"

namespace retort::grade {
namespace {

constexpr long kMaxExponent = 2'000;
constexpr long kMaxRoot = 100;

class Field {
 public:
  Field() : field_(exact_field_new()) {}
  ~Field() { exact_field_free(field_); }
  Field(const Field&) = delete;
  Field& operator=(const Field&) = delete;
  [[nodiscard]] exact_field* get() const { return field_; }

 private:
  exact_field* field_;
};

class Exact {
 public:
  explicit Exact(const Field& field) : field_(field), value_(exact_new(field.get())) {}
  ~Exact() { exact_free(field_.get(), value_); }
  Exact(const Exact&) = delete;
  Exact& operator=(const Exact&) = delete;
  [[nodiscard]] exact_value* get() const { return value_; }
  void set(const Rational& fraction) { exact_set_fraction(field_.get(), value_, fraction.get()); }
  void set(exact_constant constant) { exact_set_constant(field_.get(), value_, constant); }
  void apply(exact_function function) { exact_apply(field_.get(), function, value_); }
  void combine(exact_operation operation, const Exact& other) {
    exact_combine(field_.get(), operation, value_, other.value_);
  }
  [[nodiscard]] bool is_negative() const { return exact_is_negative(field_.get(), value_) == EXACT_YES; }
  [[nodiscard]] bool is_special() const { return exact_is_special(field_.get(), value_) != 0; }

 private:
  const Field& field_;
  exact_value* value_;
};

/// Sets `out` to what `expr` is worth; false where that is not known here.
bool evaluate(const ExprPtr& expr, const Field& field, Exact& out);

/// The real root of a negative number where the degree is odd.
bool evaluate_root(const ExprPtr& degree, const Field& field, Exact& out) {
  const std::optional<Rational> value = rational_value(degree);
  const std::optional<long> k = value ? value->small(kMaxRoot) : std::nullopt;
  if (!k || *k < 1) return false;
  Exact exponent(field);
  exponent.set(Rational(*k));
  exponent.apply(EXACT_INVERT);
  const bool negative = *k % 2 == 1 && out.is_negative();
  if (negative) out.apply(EXACT_NEGATE);
  out.combine(EXACT_POWER, exponent);
  if (negative) out.apply(EXACT_NEGATE);
  return true;
}

bool evaluate_function(const Expr& expr, const Field& field, Exact& out) {
  if (!evaluate(expr.args[0], field, out)) return false;
  if (expr.args.size() == 2 && expr.name == "root") return evaluate_root(expr.args[1], field, out);
  if (expr.args.size() == 2 && expr.name == "log") {
    Exact base(field);
    if (!evaluate(expr.args[1], field, base)) return false;
    out.apply(EXACT_LOG);
    base.apply(EXACT_LOG);
    out.combine(EXACT_DIVIDE, base);
    return true;
  }
  if (expr.args.size() != 1) return false;
  struct Entry {
    std::string_view name;
    exact_function function;
    enum { kPlain, kReciprocal } how = kPlain;
  };
  static constexpr auto kTable = std::to_array<Entry>({{"sqrt", EXACT_SQRT},
                                                       {"log", EXACT_LOG},
                                                       {"sin", EXACT_SIN},
                                                       {"cos", EXACT_COS},
                                                       {"tan", EXACT_TAN},
                                                       {"csc", EXACT_SIN, Entry::kReciprocal},
                                                       {"sec", EXACT_COS, Entry::kReciprocal},
                                                       {"cot", EXACT_TAN, Entry::kReciprocal},
                                                       {"arcsin", EXACT_ASIN},
                                                       {"arccos", EXACT_ACOS},
                                                       {"arctan", EXACT_ATAN},
                                                       {"abs", EXACT_ABS},
                                                       {"floor", EXACT_FLOOR},
                                                       {"ceil", EXACT_CEIL}});
  for (const Entry& entry : kTable) {
    if (entry.name != expr.name) continue;
    out.apply(entry.function);
    if (entry.how == Entry::kReciprocal) out.apply(EXACT_INVERT);
    return true;
  }
  return false;
}

bool evaluate_operation(const Expr& expr, exact_operation operation, const Field& field, Exact& out) {
  if (!evaluate(expr.args[0], field, out)) return false;
  for (std::size_t i = 1; i < expr.args.size(); ++i) {
    if (operation == EXACT_POWER) {
      const std::optional<Rational> exponent = rational_value(expr.args[i]);
      if (exponent && exponent->is_whole() && !exponent->small(kMaxExponent)) return false;
    }
    Exact next(field);
    if (!evaluate(expr.args[i], field, next)) return false;
    out.combine(operation, next);
  }
  return true;
}

bool evaluate(const ExprPtr& expr, const Field& field, Exact& out) {
  if (const std::optional<Rational> value = rational_value(expr)) {
    out.set(*value);
    return true;
  }
  switch (expr->kind) {
    case ExprKind::kConstant:
      if (expr->name == "infinity") return false;
      out.set(expr->name == "pi" ? EXACT_PI : expr->name == "e" ? EXACT_E : EXACT_I);
      return true;
    case ExprKind::kFunction:
      return !expr->args.empty() && evaluate_function(*expr, field, out);
    case ExprKind::kSum:
      return evaluate_operation(*expr, EXACT_ADD, field, out);
    case ExprKind::kProduct:
      return evaluate_operation(*expr, EXACT_MULTIPLY, field, out);
    case ExprKind::kQuotient:
      return evaluate_operation(*expr, EXACT_DIVIDE, field, out);
    case ExprKind::kPower:
      return evaluate_operation(*expr, EXACT_POWER, field, out);
    case ExprKind::kNegative:
      if (!evaluate(expr->args[0], field, out)) return false;
      out.apply(EXACT_NEGATE);
      return true;
    case ExprKind::kPercent: {
      if (!evaluate(expr->args[0], field, out)) return false;
      Exact hundred(field);
      hundred.set(Rational(100));
      out.combine(EXACT_DIVIDE, hundred);
      return true;
    }
    default:
      return false;
  }
}

}  // namespace

Decision decide_exactly(const ExprPtr& a, const ExprPtr& b) {
  const Field field;
  Exact left(field);
  Exact right(field);
  if (!evaluate(a, field, left) || !evaluate(b, field, right)) return Decision::kUnknown;
  if (left.is_special() || right.is_special()) return Decision::kUnknown;
  switch (exact_equal(field.get(), left.get(), right.get())) {
    case EXACT_YES:
      return Decision::kEqual;
    case EXACT_NO:
      return Decision::kUnequal;
    default:
      return Decision::kUnknown;
  }
}

}  // namespace retort::grade
