// What stands between operators: numbers, names, functions, fractions, roots.
#include <algorithm>
#include <utility>

#include "grade/maths/parser_impl.h"

namespace retort::grade {
namespace {

bool is_whole(const ExprPtr& expr) {
  return is(expr, ExprKind::kNumber) && expr->name.find_first_of(".e") == std::string::npos;
}
bool is_whole_token(const LatexToken& token) {
  return token.kind == TokenKind::kNumber && token.text.find_first_of(".e") == std::string::npos;
}

/// The inverse of "sin" for \sin^{-1}; nothing for what has none.
std::string inverse_of(const std::string& name) {
  static constexpr std::string_view kInvertible[] = {"sin", "cos", "tan", "cot", "sec", "csc"};
  return std::find(std::begin(kInvertible), std::end(kInvertible), name) == std::end(kInvertible) ? "" : "arc" + name;
}

/// One spelling for each function: "asin" is "arcsin".
std::string function_of(const std::string& name) {
  if (name == "lg") return "log10";
  if (name == "ln") return "log";
  if (name.size() >= 4 && name[0] == 'a' && name != "abs") {
    const bool arc = name.starts_with("arc");
    const std::string rest = arc ? name.substr(3) : name.starts_with("ar") ? name.substr(2) : name.substr(1);
    return "arc" + rest;
  }
  return name;
}

ExprPtr call(const std::string& name, std::vector<ExprPtr> args) {
  if (name == "log10") {
    args.push_back(make_number(10));
    return make(ExprKind::kFunction, "log", std::move(args));
  }
  if (name == "exp" && args.size() == 1) {
    return make(ExprKind::kPower, {make(ExprKind::kConstant, "e"), std::move(args.front())});
  }
  if (name == "cbrt" && args.size() == 1) args.push_back(make_number(3));
  return make(ExprKind::kFunction, name == "cbrt" ? "root" : name, std::move(args));
}

}  // namespace

Parsed AnswerParser::atom() {
  const DepthGuard guard(*this);
  if (guard.too_deep()) return too_deep_error();
  const LatexToken& token = peek();
  switch (token.kind) {
    case TokenKind::kNumber:
      return number_atom();
    case TokenKind::kName:
      return name_atom();
    case TokenKind::kText:
      return text_atom();
    case TokenKind::kEnd:
      return unexpected_token();
    case TokenKind::kCommand: {
      const std::string command = token.text;
      ++at_;
      if (command == "frac") return fraction();
      if (command == "sqrt") return root();
      if (command == "begin") return environment();
      if (command == "overline" || command == "boxed") return argument();
      if (command == "binom") {
        RETORT_TRY(ExprPtr n, argument());
        RETORT_TRY(ExprPtr k, argument());
        return make(ExprKind::kFunction, "binomial", {std::move(n), std::move(k)});
      }
      --at_;
      return unexpected_token();
    }
    case TokenKind::kSymbol:
      break;
  }
  if (token.text == "(" || token.text == "[") return bracket();
  if (token.text == "{") return group();
  if (token.text == "\\{") return braces();
  if (token.text == "|") return bars();
  if (token.text == "floor(" || token.text == "ceil(")
    return floor_or_ceiling(token.text == "floor(" ? "floor" : "ceil");
  if (accept("\\infty")) return make(ExprKind::kConstant, "infinity");
  if (accept("...")) return make(ExprKind::kSymbol, "...");
  return unexpected_token();
}

Parsed AnswerParser::number_atom() {
  const LatexToken token = tokens_[at_++];
  if (token.text.ends_with('.')) return repeating_decimal(token.text);
  ExprPtr number = make(ExprKind::kNumber, token.text);
  if (!is_whole(number)) return number;
  // 3\frac{1}{2} and "3 1/2" are three and a half.
  const std::size_t back = at_;
  ExprPtr part;
  if (peek().kind == TokenKind::kCommand && peek().text == "frac") {
    ++at_;
    RETORT_TRY(part, fraction());
  } else if (peek().space_before && is_whole_token(peek()) && at_symbol("/", 1) && is_whole_token(peek(2))) {
    part = make(ExprKind::kQuotient, {make(ExprKind::kNumber, peek().text), make(ExprKind::kNumber, peek(2).text)});
    at_ += 3;
  } else {
    return number;
  }
  if (is(part, ExprKind::kQuotient) && is_whole(part->args[0]) && is_whole(part->args[1])) {
    return make(ExprKind::kSum, {std::move(number), std::move(part)});
  }
  at_ = back;
  return number;
}

/// "0.\overline{3}" is 3/9, "1.2\overline{34}" has its point before the command.
Parsed AnswerParser::repeating_decimal(const std::string& digits) {
  ++at_;  // the command
  RETORT_TRY(const ExprPtr repeated, argument());
  if (!is_whole(repeated)) return fail(ErrorCode::kInvalidArgument, "a decimal repeats what is no digits");
  const std::string whole = digits.substr(0, digits.size() - 1);
  ExprPtr fraction =
      make(ExprKind::kQuotient, {repeated, make(ExprKind::kNumber, std::string(repeated->name.size(), '9'))});
  if (whole.empty() || whole == "0") return fraction;
  return make(ExprKind::kSum, {make(ExprKind::kNumber, whole), std::move(fraction)});
}

Parsed AnswerParser::name_atom() {
  const LatexToken token = tokens_[at_++];
  const std::string& name = token.text;
  if (is_function_name(name)) return function_call(name);
  if (name == "pi" || name == "e" || name == "i") return make(ExprKind::kConstant, name);
  const bool unknown_function = name.size() == 1 && std::string_view("fghFGH").find(name[0]) != std::string_view::npos;
  if (unknown_function && at_symbol("(") && !peek().space_before) {
    ++at_;
    RETORT_TRY(std::vector<ExprPtr> args, elements());
    RETORT_TRY_STATUS(expect(")"));
    return make(ExprKind::kApply, name, std::move(args));
  }
  return make(ExprKind::kSymbol, name);
}

/// Behind a "_", as text: "1", "max", "n+1".
Expected<std::string> AnswerParser::subscript() {
  if (!accept("{")) {
    if (peek().kind == TokenKind::kEnd) return fail(ErrorCode::kInvalidArgument, "a subscript is missing");
    return tokens_[at_++].text;
  }
  std::string out;
  int open = 1;
  while (peek().kind != TokenKind::kEnd) {
    if (at_symbol("{")) ++open;
    if (at_symbol("}") && --open == 0) break;
    out += tokens_[at_++].text;
  }
  RETORT_TRY_STATUS(expect("}"));
  return out;
}

Parsed AnswerParser::function_call(const std::string& name) {
  ExprPtr base;
  if (accept("_")) {
    RETORT_TRY(base, argument());
  }
  std::string called = function_of(name);
  ExprPtr power;
  if (accept("^")) {
    const bool minus = accept("-");
    RETORT_TRY(power, argument());
    if (minus) power = make(ExprKind::kNegative, {std::move(power)});
    const bool inverse = is(power, ExprKind::kNegative) && is(power->args[0], ExprKind::kNumber) &&
                         power->args[0]->name == "1" && !inverse_of(called).empty();
    if (inverse) {
      called = inverse_of(called);
      power = nullptr;
    }
  }
  std::vector<ExprPtr> args;
  if (at_symbol("(") || at_symbol("[")) {
    const std::string close = at_symbol("(") ? ")" : "]";
    ++at_;
    RETORT_TRY(args, elements());
    RETORT_TRY_STATUS(expect(close));
  } else {
    RETORT_TRY(ExprPtr argument, function_argument());
    args.push_back(std::move(argument));
  }
  if (called == "log" && args.size() > 1) return fail(ErrorCode::kInvalidArgument, "a logarithm of a list");
  if (called == "log" && base) args.push_back(std::move(base));
  ExprPtr value = call(called, std::move(args));
  return power ? make(ExprKind::kPower, {std::move(value), std::move(power)}) : value;
}

/// "2x" of "\sin 2x + 1": what is multiplied without a sign, up to the next function.
Parsed AnswerParser::function_argument() {
  if (at_symbol("-")) return factor();
  RETORT_TRY(ExprPtr first, factor());
  std::vector<ExprPtr> factors{std::move(first)};
  while (starts_operand() && !at_symbol("(") && !at_symbol("[") && !at_symbol("{") &&
         !(peek().kind == TokenKind::kName && is_function_name(peek().text))) {
    RETORT_TRY(ExprPtr next, factor());
    factors.push_back(std::move(next));
  }
  return factors.size() == 1 ? factors.front() : make(ExprKind::kProduct, std::move(factors));
}

Parsed AnswerParser::argument() {
  if (at_symbol("{")) return group();
  if (peek().kind == TokenKind::kNumber && !peek().text.ends_with('.'))
    return make(ExprKind::kNumber, tokens_[at_++].text);
  return atom();
}

/// Behind \frac: "{1}{2}", "12" (one half), "1{2}", " 59".
Parsed AnswerParser::fraction() {
  const DepthGuard guard(*this);
  if (guard.too_deep()) return too_deep_error();
  const auto side = [this]() -> Parsed {
    if (peek().kind != TokenKind::kNumber || peek().text.size() == 1) return argument();
    LatexToken& token = tokens_[at_];
    const std::string digit = token.text.substr(0, 1);
    token.text.erase(0, 1);
    return make(ExprKind::kNumber, digit);
  };
  RETORT_TRY(ExprPtr above, side());
  RETORT_TRY(ExprPtr below, side());
  return make(ExprKind::kQuotient, {std::move(above), std::move(below)});
}

Parsed AnswerParser::root() {
  ExprPtr degree;
  if (accept("[")) {
    RETORT_TRY(degree, sum());
    RETORT_TRY_STATUS(expect("]"));
  }
  ExprPtr value;
  if (at_symbol("(")) {  // plain: sqrt(2)
    ++at_;
    RETORT_TRY(value, sum());
    RETORT_TRY_STATUS(expect(")"));
  } else {
    RETORT_TRY(value, argument());
  }
  std::vector<ExprPtr> args{std::move(value)};
  if (!degree) return make(ExprKind::kFunction, "sqrt", std::move(args));
  args.push_back(std::move(degree));
  return make(ExprKind::kFunction, "root", std::move(args));
}

/// Words are an answer of their own, or stand before the value that they introduce.
Parsed AnswerParser::text_atom() {
  std::string words = tokens_[at_++].text;
  while (peek().kind == TokenKind::kText) {
    words += ' ';
    words += tokens_[at_++].text;
  }
  if (starts_operand()) return factor();
  return make(ExprKind::kText, words);
}

}  // namespace retort::grade
