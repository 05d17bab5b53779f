#include "grade/maths/expr.h"

#include <algorithm>
#include <set>
#include <utility>

namespace retort::grade {
namespace {

void collect_symbols(const ExprPtr& expr, std::set<std::string>& out) {
  if (expr->kind == ExprKind::kSymbol || expr->kind == ExprKind::kApply) out.insert(expr->name);
  for (const ExprPtr& arg : expr->args) collect_symbols(arg, out);
}

std::string joined(const Expr& expr, const std::string& between) {
  std::string out;
  for (std::size_t i = 0; i < expr.args.size(); ++i) {
    if (i != 0) out += between;
    out += to_text(expr.args[i]);
  }
  return out;
}

std::string relation_text(const Expr& expr) {
  std::string out = to_text(expr.args.front());
  for (std::size_t i = 0; i < expr.operators.size(); ++i) {
    out += ' ';
    out += expr.operators[i];
    out += ' ';
    out += to_text(expr.args[i + 1]);
  }
  return out;
}

}  // namespace

ExprPtr make(ExprKind kind, std::string name, std::vector<ExprPtr> args) {
  return std::make_shared<const Expr>(Expr{.kind = kind, .name = std::move(name), .args = std::move(args)});
}
ExprPtr make(ExprKind kind, std::vector<ExprPtr> args) { return make(kind, std::string(), std::move(args)); }
ExprPtr make_number(long value) {
  const ExprPtr magnitude = make(ExprKind::kNumber, std::to_string(value < 0 ? -value : value));
  return value < 0 ? make(ExprKind::kNegative, {magnitude}) : magnitude;
}

ExprPtr with_args(const Expr& expr, std::vector<ExprPtr> args) {
  Expr out{.kind = expr.kind, .name = expr.name, .args = std::move(args)};
  out.operators = expr.operators;
  out.columns = expr.columns;
  return std::make_shared<const Expr>(std::move(out));
}

bool is(const ExprPtr& expr, ExprKind kind) { return expr->kind == kind; }

bool contains(const ExprPtr& expr, ExprKind kind) {
  return expr->kind == kind ||
         std::any_of(expr->args.begin(), expr->args.end(), [kind](const ExprPtr& arg) { return contains(arg, kind); });
}

bool has_decimal(const ExprPtr& expr) {
  if (expr->kind == ExprKind::kNumber) return expr->name.find_first_of(".e") != std::string::npos;
  return std::any_of(expr->args.begin(), expr->args.end(), [](const ExprPtr& arg) { return has_decimal(arg); });
}

std::vector<std::string> symbols_of(const ExprPtr& expr) {
  std::set<std::string> names;
  collect_symbols(expr, names);
  return {names.begin(), names.end()};
}

std::string to_text(const ExprPtr& expr) {
  const Expr& e = *expr;
  switch (e.kind) {
    case ExprKind::kNumber:
    case ExprKind::kSymbol:
    case ExprKind::kConstant:
      return e.name;
    case ExprKind::kBased:
      return e.name + "_" + to_text(e.args[0]);
    case ExprKind::kSum:
      return "(" + joined(e, " + ") + ")";
    case ExprKind::kProduct:
      return "(" + joined(e, "*") + ")";
    case ExprKind::kQuotient:
      return "(" + joined(e, "/") + ")";
    case ExprKind::kPower:
      return "(" + joined(e, "^") + ")";
    case ExprKind::kNegative:
      return "-" + to_text(e.args[0]);
    case ExprKind::kPlusMinus:
      return e.name + to_text(e.args[0]);
    case ExprKind::kPercent:
      return to_text(e.args[0]) + "%";
    case ExprKind::kFunction:
    case ExprKind::kApply:
      return e.name + "(" + joined(e, ", ") + ")";
    case ExprKind::kTuple:
      return "(" + joined(e, ", ") + ")";
    case ExprKind::kInterval:
      return e.name.substr(0, 1) + joined(e, ", ") + e.name.substr(1);
    case ExprKind::kSet:
      return "{" + joined(e, ", ") + "}";
    case ExprKind::kList:
      return joined(e, ", ");
    case ExprKind::kUnion:
      return joined(e, " union ");
    case ExprKind::kIntersection:
      return joined(e, " intersection ");
    case ExprKind::kDifference:
      return joined(e, " minus ");
    case ExprKind::kMatrix:
      return "matrix" + std::to_string(e.columns) + "(" + joined(e, ", ") + ")";
    case ExprKind::kRelation:
      return relation_text(e);
    case ExprKind::kMember:
      return joined(e, " in ");
    case ExprKind::kRatio:
      return joined(e, ":");
    case ExprKind::kText:
      return "\"" + e.name + "\"";
  }
  return "?";
}

}  // namespace retort::grade
