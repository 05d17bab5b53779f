#include "grade/maths/real_set.h"

#include <algorithm>
#include <string>
#include <utility>

namespace retort::grade {
namespace {

using Pieces = std::optional<std::vector<Piece>>;

ExprPtr infinity() { return make(ExprKind::kConstant, "infinity"); }
ExprPtr minus(const ExprPtr& x) {
  if (is(x, ExprKind::kNegative)) return x->args[0];
  return make(ExprKind::kNegative, {x});
}

bool is_unknown(const ExprPtr& expr) {
  return is(expr, ExprKind::kSymbol) || (is(expr, ExprKind::kApply) && expr->args.size() == 1);
}
bool is_size_of_unknown(const ExprPtr& expr) {
  return is(expr, ExprKind::kFunction) && expr->name == "abs" && is_unknown(expr->args[0]);
}

std::string flipped(const std::string& op) {
  if (op == "<") return ">";
  if (op == ">") return "<";
  if (op == "<=") return ">=";
  if (op == ">=") return "<=";
  return op;
}

Bound bound_of(const std::string& op) { return op.size() == 2 ? Bound::kClosed : Bound::kOpen; }

/// |z| in a piece: both signs of it. Nothing where the piece has no lower end (then z is everything below the upper).
std::vector<Piece> both_signs(const Piece& piece) {
  if (is(piece.low, ExprKind::kNegative)) {  // |z| < a
    return {{minus(piece.high), piece.high, piece.high_bound, piece.high_bound}};
  }
  return {{minus(piece.high), minus(piece.low), piece.high_bound, piece.low_bound}, piece};
}

/// unknown OP value.
Pieces half_line(const std::string& op, const ExprPtr& value) {
  if (op == "<" || op == "<=") return {{{minus(infinity()), value, Bound::kOpen, bound_of(op)}}};
  if (op == ">" || op == ">=") return {{{value, infinity(), bound_of(op), Bound::kOpen}}};
  if (op != "!=") return std::nullopt;
  return {{{minus(infinity()), value, Bound::kOpen, Bound::kOpen}, {value, infinity(), Bound::kOpen, Bound::kOpen}}};
}

Pieces of_relation(const Expr& relation) {
  const std::vector<ExprPtr>& args = relation.args;
  const std::vector<std::string>& ops = relation.operators;
  std::optional<Piece> piece;
  ExprPtr unknown;
  if (ops.size() == 1) {
    const bool left = is_unknown(args[0]) || is_size_of_unknown(args[0]);
    if (!left && !is_unknown(args[1]) && !is_size_of_unknown(args[1])) return std::nullopt;
    unknown = left ? args[0] : args[1];
    Pieces half = half_line(left ? ops[0] : flipped(ops[0]), left ? args[1] : args[0]);
    if (!half || half->size() != 1) return is_unknown(unknown) ? half : std::nullopt;
    piece = half->front();
  } else if (ops.size() == 2 && (is_unknown(args[1]) || is_size_of_unknown(args[1]))) {
    unknown = args[1];
    const bool up = ops[0].front() == '<' && ops[1].front() == '<';
    const bool down = ops[0].front() == '>' && ops[1].front() == '>';
    if (!up && !down) return std::nullopt;
    piece = up ? Piece{args[0], args[2], bound_of(ops[0]), bound_of(ops[1])}
               : Piece{args[2], args[0], bound_of(ops[1]), bound_of(ops[0])};
  }
  if (!piece) return std::nullopt;
  if (is_size_of_unknown(unknown)) return both_signs(*piece);
  return {{*piece}};
}

Pieces all_of(const std::vector<ExprPtr>& parts, PairReading reading) {
  std::vector<Piece> out;
  for (const ExprPtr& part : parts) {
    Pieces pieces = real_set_of(part, reading);
    if (!pieces) return std::nullopt;
    out.insert(out.end(), pieces->begin(), pieces->end());
  }
  return out;
}

std::vector<Piece> points(const std::vector<ExprPtr>& values) {
  std::vector<Piece> out;
  out.reserve(values.size());
  for (const ExprPtr& value : values) out.push_back({value, value, Bound::kClosed, Bound::kClosed});
  return out;
}

}  // namespace

bool is_inequality(const ExprPtr& expr) {
  if (is(expr, ExprKind::kList)) {
    return std::all_of(expr->args.begin(), expr->args.end(), [](const ExprPtr& arg) { return is_inequality(arg); });
  }
  return is(expr, ExprKind::kRelation) && std::none_of(expr->operators.begin(), expr->operators.end(),
                                                       [](const std::string& op) { return op == "=" || op == "~"; });
}

std::optional<std::vector<Piece>> real_set_of(const ExprPtr& expr, PairReading reading) {
  switch (expr->kind) {
    case ExprKind::kInterval:
      return {{{expr->args[0], expr->args[1], expr->name[0] == '[' ? Bound::kClosed : Bound::kOpen,
                expr->name[1] == ']' ? Bound::kClosed : Bound::kOpen}}};
    case ExprKind::kTuple:
      if (reading == PairReading::kPair || expr->args.size() != 2) return std::nullopt;
      return {{{expr->args[0], expr->args[1], Bound::kOpen, Bound::kOpen}}};
    case ExprKind::kSet:
      return points(expr->args);
    case ExprKind::kMember:
      return real_set_of(expr->args[1], PairReading::kInterval);
    case ExprKind::kUnion:
      return all_of(expr->args, PairReading::kInterval);
    case ExprKind::kDifference: {
      // The real numbers without a point.
      const bool line = is(expr->args[0], ExprKind::kSymbol) && expr->args[0]->name == "mathbb_R";
      if (!line || !is(expr->args[1], ExprKind::kSet) || expr->args[1]->args.size() != 1) return std::nullopt;
      return half_line("!=", expr->args[1]->args[0]);
    }
    case ExprKind::kSymbol:
      if (expr->name != "mathbb_R") return std::nullopt;
      return {{{minus(infinity()), infinity(), Bound::kOpen, Bound::kOpen}}};
    case ExprKind::kRelation:
      return of_relation(*expr);
    case ExprKind::kList:
      return is_inequality(expr) ? all_of(expr->args, reading) : std::nullopt;
    default:
      return std::nullopt;
  }
}

}  // namespace retort::grade
