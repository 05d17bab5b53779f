#include "grade/maths/meaning.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <utility>

namespace retort::grade {
namespace {

constexpr std::size_t kMaxSigns = 64;

/// A variable, a function of variables, a product or ratio of them, a tuple of them: what answers are given names by.
bool is_name(const ExprPtr& expr) {
  switch (expr->kind) {
    case ExprKind::kSymbol:
    case ExprKind::kText:
    case ExprKind::kApply:
      return true;
    case ExprKind::kConstant:
      return expr->name == "e" || expr->name == "i";  // a variable of that name
    case ExprKind::kProduct:
    case ExprKind::kTuple:
    case ExprKind::kRatio:
    case ExprKind::kList:
      return std::all_of(expr->args.begin(), expr->args.end(), is_name);
    default:
      return false;
  }
}

/// The last member before one that only approximates.
ExprPtr last_exact(const Expr& relation) {
  std::size_t last = 0;
  for (std::size_t i = 0; i < relation.operators.size(); ++i) {
    if (relation.operators[i] != "=" && last != 0) break;
    last = i + 1;
  }
  return relation.args[last];
}

bool is_equation(const Expr& relation) {
  return std::all_of(relation.operators.begin(), relation.operators.end(),
                     [](const std::string& op) { return op == "=" || op == "~"; });
}

/// `expr` with every "plus or minus" read as `upper` (minus or plus as its reverse).
ExprPtr with_sign(const ExprPtr& expr, int upper) {
  std::vector<ExprPtr> args;
  for (const ExprPtr& arg : expr->args) args.push_back(with_sign(arg, upper));
  if (is(expr, ExprKind::kPlusMinus)) {
    const bool plus = (expr->name == "+-") == (upper > 0);
    return plus ? args[0] : make(ExprKind::kNegative, std::move(args));
  }
  if (expr->args.empty()) return expr;
  return with_args(*expr, std::move(args));
}

void append_values(const ExprPtr& expr, MathsProfile profile, std::vector<ExprPtr>& out) {
  const ExprPtr bare = without_label(expr, profile);
  if (is(bare, ExprKind::kList)) {
    for (const ExprPtr& arg : bare->args) append_values(arg, profile, out);
    return;
  }
  if (contains(bare, ExprKind::kPlusMinus) && out.size() < kMaxSigns) {
    out.push_back(with_sign(bare, 1));
    out.push_back(with_sign(bare, -1));
    return;
  }
  out.push_back(bare);
}

std::string letters_of(const ExprPtr& expr) {
  if (is(expr, ExprKind::kSymbol) || is(expr, ExprKind::kConstant)) return expr->name.size() == 1 ? expr->name : "";
  if (!is(expr, ExprKind::kProduct)) return "";
  std::string out;
  for (const ExprPtr& arg : expr->args) {
    const std::string letter = letters_of(arg);
    if (letter.size() != 1) return "";
    out += letter;
  }
  return out;
}

ExprPtr renamed(const ExprPtr& expr, std::map<std::string, std::string>& names) {
  std::vector<ExprPtr> args;
  for (const ExprPtr& arg : expr->args) args.push_back(renamed(arg, names));
  if (is(expr, ExprKind::kSymbol)) {
    const auto [found, fresh] = names.try_emplace(expr->name, "v" + std::to_string(names.size()));
    return make(ExprKind::kSymbol, found->second);
  }
  return expr->args.empty() ? expr : with_args(*expr, std::move(args));
}

}  // namespace

ExprPtr without_label(const ExprPtr& expr, MathsProfile profile) {
  if (profile == MathsProfile::kStrict) return expr;
  if (is(expr, ExprKind::kMember)) return is(expr->args[1], ExprKind::kText) ? expr : expr->args[1];
  if (!is(expr, ExprKind::kRelation) || !is_equation(*expr)) return expr;
  const ExprPtr& first = expr->args.front();
  const ExprPtr& last = last_exact(*expr);
  if (is_name(first)) return last;
  if (is_name(last) && expr->operators.size() == 1) return first;  // 5 = x
  return symbols_of(first).empty() ? last : expr;
}

std::vector<ExprPtr> values_of(const ExprPtr& expr, MathsProfile profile) {
  std::vector<ExprPtr> out;
  const ExprPtr bare = without_label(expr, profile);
  if (is(bare, ExprKind::kSet) || is(bare, ExprKind::kList)) {
    for (const ExprPtr& arg : bare->args) append_values(arg, profile, out);
  } else {
    append_values(bare, profile, out);
  }
  return out;
}

std::string words_of(const ExprPtr& expr) {
  const std::string& text = is(expr, ExprKind::kText) ? expr->name : letters_of(expr);
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || byte >= 0x80) out += static_cast<char>(std::tolower(byte));
  }
  return out;
}

ExprPtr with_numbered_names(const ExprPtr& expr) {
  std::map<std::string, std::string> names;
  return renamed(expr, names);
}

}  // namespace retort::grade
