#include "grade/maths/parser.h"

#include <algorithm>
#include <array>
#include <utility>

#include "grade/maths/parser_impl.h"

namespace retort::grade {
namespace {

constexpr auto kRelations = std::to_array<std::string_view>({"=", "!=", "<", ">", "<=", ">=", "~"});

bool is_relation(const LatexToken& token) {
  return token.kind == TokenKind::kSymbol &&
         std::find(kRelations.begin(), kRelations.end(), token.text) != kRelations.end();
}

std::size_t length_of(const ExprPtr& part) { return is(part, ExprKind::kList) ? part->args.size() : 1; }

/// "p = 5, q = 2; p = 7, q = 2" are two pairs; "19, 46, and 82" are three numbers.
ExprPtr join_parts(std::vector<ExprPtr> parts) {
  if (parts.size() == 1) return parts.front();
  const std::size_t length = length_of(parts.front());
  const bool alike = length > 1 && std::all_of(parts.begin(), parts.end(),
                                               [&](const ExprPtr& part) { return length_of(part) == length; });
  std::vector<ExprPtr> out;
  for (const ExprPtr& part : parts) {
    if (alike) {
      out.push_back(make(ExprKind::kTuple, part->args));
    } else if (is(part, ExprKind::kList)) {
      out.insert(out.end(), part->args.begin(), part->args.end());
    } else {
      out.push_back(part);
    }
  }
  return make(ExprKind::kList, std::move(out));
}

}  // namespace

Expected<ExprPtr> parse_answer(std::string_view text) {
  RETORT_TRY(std::vector<LatexToken> tokens, lex_answer(text));
  return AnswerParser(std::move(tokens)).answer();
}

Status AnswerParser::expect(std::string_view text) {
  if (accept(text)) return {};
  return fail(ErrorCode::kInvalidArgument, "expected '{}' but found '{}'", text, peek().text);
}

tl::unexpected<Error> AnswerParser::unexpected_token() const {
  if (peek().kind == TokenKind::kEnd) return fail(ErrorCode::kInvalidArgument, "the answer ends where a value belongs");
  return fail(ErrorCode::kInvalidArgument, "'{}' where a value belongs", peek().text);
}

Parsed AnswerParser::answer() {
  std::vector<ExprPtr> parts;
  while (true) {
    while (accept(",") || accept(".") || accept(";") || accept("and") || accept("or") || accept(":") || accept("=>")) {
    }
    if (peek().kind == TokenKind::kEnd) break;
    RETORT_TRY(ExprPtr next, part());
    parts.push_back(std::move(next));
    if (at_symbol("=>")) parts.clear();  // "x + 1 = 3 => x = 2" says x = 2
    if (!at_symbol(";") && !at_symbol("and") && !at_symbol("or") && !at_symbol(".") && !at_symbol(",") &&
        !at_symbol("=>") && peek().kind != TokenKind::kEnd) {
      return fail(ErrorCode::kInvalidArgument, "'{}' does not belong behind a value", peek().text);
    }
  }
  if (parts.empty()) return unexpected_token();
  return join_parts(std::move(parts));
}

Parsed AnswerParser::part() {
  std::vector<ExprPtr> items;
  do {
    if (!items.empty() && (at_symbol("and") || at_symbol("or"))) ++at_;  // "1, 2, and 3"
    if (!items.empty() && (peek().kind == TokenKind::kEnd || at_symbol(".") || at_symbol(";"))) break;
    RETORT_TRY(ExprPtr item, relation());
    items.push_back(std::move(item));
  } while (accept(","));
  return items.size() == 1 ? items.front() : make(ExprKind::kList, std::move(items));
}

Parsed AnswerParser::relation() {
  RETORT_TRY(ExprPtr first, set_expression());
  if (accept("in")) {
    RETORT_TRY(ExprPtr set, set_expression());
    return make(ExprKind::kMember, {std::move(first), std::move(set)});
  }
  if (!is_relation(peek())) return first;
  Expr out{.kind = ExprKind::kRelation, .name = {}, .args = {std::move(first)}};
  while (is_relation(peek())) {
    out.operators.push_back(tokens_[at_++].text);
    while (is_relation(peek())) ++at_;  // "= \approx"
    RETORT_TRY(ExprPtr next, set_expression());
    out.args.push_back(std::move(next));
  }
  return std::make_shared<const Expr>(std::move(out));
}

Parsed AnswerParser::set_expression() {
  RETORT_TRY(ExprPtr left, ratio());
  while (at_symbol("cup") || at_symbol("cap") || at_symbol("setminus")) {
    const std::string op = tokens_[at_++].text;
    RETORT_TRY(ExprPtr right, ratio());
    const ExprKind kind = op == "cup"   ? ExprKind::kUnion
                          : op == "cap" ? ExprKind::kIntersection
                                        : ExprKind::kDifference;
    if (kind != ExprKind::kDifference && is(left, kind)) {
      std::vector<ExprPtr> args = left->args;
      args.push_back(std::move(right));
      left = make(kind, std::move(args));
    } else {
      left = make(kind, {std::move(left), std::move(right)});
    }
  }
  return left;
}

Parsed AnswerParser::ratio() {
  RETORT_TRY(ExprPtr first, sum());
  if (!at_symbol(":") || bar_separates_) return first;
  std::vector<ExprPtr> items{std::move(first)};
  while (accept(":")) {
    RETORT_TRY(ExprPtr next, sum());
    items.push_back(std::move(next));
  }
  return make(ExprKind::kRatio, std::move(items));
}

Parsed AnswerParser::sum() {
  const DepthGuard guard(*this);
  if (guard.too_deep()) return too_deep_error();
  RETORT_TRY(ExprPtr first, term());
  std::vector<ExprPtr> terms{std::move(first)};
  while (at_symbol("+") || at_symbol("-") || at_symbol("+-") || at_symbol("-+")) {
    const std::string op = tokens_[at_++].text;
    RETORT_TRY(ExprPtr next, term());
    if (op == "-") next = make(ExprKind::kNegative, {std::move(next)});
    if (op.size() == 2) next = make(ExprKind::kPlusMinus, op, {std::move(next)});
    terms.push_back(std::move(next));
  }
  return terms.size() == 1 ? terms.front() : make(ExprKind::kSum, std::move(terms));
}

Parsed AnswerParser::term() {
  const DepthGuard guard(*this);
  if (guard.too_deep()) return too_deep_error();
  if (at_symbol("-") || at_symbol("+") || at_symbol("+-") || at_symbol("-+")) {
    const std::string op = tokens_[at_++].text;
    RETORT_TRY(ExprPtr value, term());
    if (op == "+") return value;
    if (op == "-") return make(ExprKind::kNegative, {std::move(value)});
    return make(ExprKind::kPlusMinus, op, {std::move(value)});
  }
  RETORT_TRY(ExprPtr left, factor());
  while (true) {
    if (accept("/")) {
      RETORT_TRY(ExprPtr right, factor());
      left = make(ExprKind::kQuotient, {std::move(left), std::move(right)});
    } else if (at_symbol("*") || starts_operand()) {
      const bool side_by_side = !accept("*") && peek().kind == TokenKind::kNumber;
      if (side_by_side && symbols_of(left).empty() && !contains(left, ExprKind::kConstant)) {
        return fail(ErrorCode::kInvalidArgument, "the numbers {} and {} side by side", to_text(left), peek().text);
      }
      RETORT_TRY(ExprPtr right, factor());
      if (is(left, ExprKind::kProduct)) {
        std::vector<ExprPtr> args = left->args;
        args.push_back(std::move(right));
        left = make(ExprKind::kProduct, std::move(args));
      } else {
        left = make(ExprKind::kProduct, {std::move(left), std::move(right)});
      }
    } else {
      return left;
    }
  }
}

bool AnswerParser::starts_operand() const {
  const LatexToken& token = peek();
  switch (token.kind) {
    case TokenKind::kNumber:
    case TokenKind::kName:
      return true;
    case TokenKind::kCommand:
      return token.text != "end";
    case TokenKind::kText:
    case TokenKind::kEnd:
      return false;
    case TokenKind::kSymbol:
      break;
  }
  if (token.text == "|") return bars_open_ == 0 && !bar_separates_;
  return token.text == "(" || token.text == "[" || token.text == "{" || token.text == "floor(" ||
         token.text == "ceil(" || token.text == "\\infty";
}

Parsed AnswerParser::factor() {
  const DepthGuard guard(*this);
  if (guard.too_deep()) return too_deep_error();
  if (accept("-")) {
    RETORT_TRY(ExprPtr value, factor());
    return make(ExprKind::kNegative, {std::move(value)});
  }
  if (accept("+")) return factor();
  RETORT_TRY(ExprPtr base, atom());
  return postfix(std::move(base));
}

/// Behind a "^".
Parsed AnswerParser::power_of(ExprPtr base) {
  if (accept("circ") || accept("'")) return base;
  if (at_symbol("{") && at_symbol("circ", 1) && at_symbol("}", 2)) {
    at_ += 3;
    return base;
  }
  if (at_symbol("-") || at_symbol("+")) {
    const bool minus = at_symbol("-");
    ++at_;
    RETORT_TRY(ExprPtr exponent, argument());
    if (minus) exponent = make(ExprKind::kNegative, {std::move(exponent)});
    return make(ExprKind::kPower, {std::move(base), std::move(exponent)});
  }
  RETORT_TRY(ExprPtr exponent, argument());
  if (at_symbol("^") && is(exponent, ExprKind::kNumber)) {  // 2^3^4
    ++at_;
    const DepthGuard guard(*this);
    if (guard.too_deep()) return too_deep_error();
    RETORT_TRY(exponent, power_of(std::move(exponent)));
  }
  return make(ExprKind::kPower, {std::move(base), std::move(exponent)});
}

Parsed AnswerParser::postfix(ExprPtr base) {
  while (true) {
    if (accept("^")) {
      RETORT_TRY(base, power_of(std::move(base)));
    } else if (accept("_")) {
      RETORT_TRY(const std::string index, subscript());
      const bool digits = !index.empty() && index.find_first_not_of("0123456789") == std::string::npos;
      if (is(base, ExprKind::kNumber) && digits && index.size() <= 2) {
        base = make(ExprKind::kBased, base->name, {make(ExprKind::kNumber, index)});
      } else if (is(base, ExprKind::kSymbol)) {
        base = make(ExprKind::kSymbol, base->name + "_" + index);
      }
    } else if (accept("!")) {
      base = make(ExprKind::kFunction, "factorial", {std::move(base)});
    } else if (accept("%")) {
      base = make(ExprKind::kPercent, {std::move(base)});
    } else if (accept("circ")) {
      continue;
    } else if (accept("'")) {
      if (is(base, ExprKind::kSymbol)) base = make(ExprKind::kSymbol, base->name + "'");
    } else if (peek().kind == TokenKind::kText) {
      ++at_;  // a unit, and its power
      if (accept("^")) {
        RETORT_TRY(const ExprPtr power, argument());
      }
    } else {
      return base;
    }
  }
}

}  // namespace retort::grade
