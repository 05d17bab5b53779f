#include <optional>

#include "text/jinja/fault.h"
#include "text/jinja/filters.h"
#include "text/jinja/parser.h"

namespace retort::jinja {

Expression* Parser::make(ExpressionKind kind) {
  Expression& node = program_.expressions.emplace_back();
  node.kind = kind;
  node.offset = current().offset;
  return &node;
}

bool Parser::tuple_ends(std::initializer_list<std::string_view> extra_ends) const {
  const Token& token = current();
  if (token.type == TokenType::kVariableEnd || token.type == TokenType::kBlockEnd || token.is_operator(")"))
    return true;
  for (const auto end : extra_ends) {
    if (token.is_name(end)) return true;
  }
  return false;
}

// Several expressions with commas between them are a tuple, one alone is itself.
Expression* Parser::tuple(Conditional conditional, std::initializer_list<std::string_view> extra_ends,
                          bool parenthesized) {
  const Deeper deeper(*this);
  Expression* node = make(ExpressionKind::kTuple);
  bool commas = false;
  while (!tuple_ends(extra_ends)) {
    node->items.push_back(expression(conditional));
    if (!skip_operator(",")) break;
    commas = true;
  }
  if (commas) return node;
  if (!node->items.empty()) return node->items.front();
  if (!parenthesized) unexpected("an expression");
  return node;
}

Expression* Parser::expression(Conditional conditional_allowed) {
  const Deeper deeper(*this);
  return conditional_allowed == Conditional::kAllowed ? conditional() : or_expression();
}

Expression* Parser::conditional() {
  Expression* node = or_expression();
  while (current().is_name("if")) {
    Expression* choice = make(ExpressionKind::kConditional);
    next();
    choice->a = node;
    choice->b = or_expression();
    if (skip_name("else")) {
      const Deeper deeper(*this);
      choice->c = conditional();
    }
    node = choice;
  }
  return node;
}

Expression* Parser::or_expression() {
  Expression* first = and_expression();
  if (!current().is_name("or")) return first;
  Expression* node = make(ExpressionKind::kOr);
  node->items.push_back(first);
  while (skip_name("or")) node->items.push_back(and_expression());
  return node;
}

Expression* Parser::and_expression() {
  Expression* first = not_expression();
  if (!current().is_name("and")) return first;
  Expression* node = make(ExpressionKind::kAnd);
  node->items.push_back(first);
  while (skip_name("and")) node->items.push_back(not_expression());
  return node;
}

Expression* Parser::not_expression() {
  if (!current().is_name("not")) return comparison();
  const Deeper deeper(*this);
  Expression* node = make(ExpressionKind::kNot);
  next();
  node->a = not_expression();
  return node;
}

Expression* Parser::comparison() {
  Expression* first = sum();
  Expression* node = nullptr;
  for (;;) {
    constexpr std::pair<std::string_view, CompareOp> kOps[] = {
        {"==", CompareOp::kEqual},     {"!=", CompareOp::kNotEqual}, {"<", CompareOp::kLess},
        {"<=", CompareOp::kLessEqual}, {">", CompareOp::kGreater},   {">=", CompareOp::kGreaterEqual}};
    std::optional<CompareOp> found;
    const Token& token = current();
    if (token.is_name("in")) found = CompareOp::kIn;
    if (token.is_name("not") && look().is_name("in")) found = CompareOp::kNotIn;
    for (const auto& [text, op] : kOps) {
      if (token.is_operator(text)) found = op;
    }
    if (!found) return node == nullptr ? first : node;
    if (node == nullptr) {
      node = make(ExpressionKind::kCompare);
      node->items.push_back(first);
    }
    next();
    if (*found == CompareOp::kNotIn) next();
    node->compares.push_back(*found);
    node->items.push_back(sum());
  }
}

namespace {

struct OpName {
  std::string_view text;
  BinaryOp op;
};

}  // namespace

Expression* Parser::sum() {
  Expression* node = concatenation();
  while (current().is_operator("+") || current().is_operator("-")) {
    Expression* whole = make(ExpressionKind::kBinary);
    whole->op = next().text == "+" ? BinaryOp::kAdd : BinaryOp::kSubtract;
    whole->a = node;
    whole->b = concatenation();
    node = whole;
  }
  return node;
}

Expression* Parser::concatenation() {
  Expression* first = product();
  if (!current().is_operator("~")) return first;
  Expression* node = make(ExpressionKind::kConcat);
  node->items.push_back(first);
  while (skip_operator("~")) node->items.push_back(product());
  return node;
}

Expression* Parser::product() {
  constexpr OpName kOps[] = {
      {"*", BinaryOp::kMultiply}, {"/", BinaryOp::kDivide}, {"//", BinaryOp::kFloorDivide}, {"%", BinaryOp::kModulo}};
  Expression* node = power();
  for (;;) {
    const OpName* found = nullptr;
    for (const auto& candidate : kOps) {
      if (current().is_operator(candidate.text)) found = &candidate;
    }
    if (found == nullptr) return node;
    Expression* whole = make(ExpressionKind::kBinary);
    next();
    whole->op = found->op;
    whole->a = node;
    whole->b = power();
    node = whole;
  }
}

Expression* Parser::power() {
  Expression* node = unary(true);
  while (current().is_operator("**")) {
    Expression* whole = make(ExpressionKind::kBinary);
    next();
    whole->op = BinaryOp::kPower;
    whole->a = node;
    whole->b = unary(true);
    node = whole;
  }
  return node;
}

Expression* Parser::unary(bool with_filters) {
  const Deeper deeper(*this);
  Expression* node = nullptr;
  if (current().is_operator("-") || current().is_operator("+")) {
    node = make(current().text == "-" ? ExpressionKind::kNegate : ExpressionKind::kPlus);
    next();
    node->a = unary(false);
  } else {
    node = primary();
  }
  node = postfix(node);
  return with_filters ? filters_and_tests(node) : node;
}

Expression* Parser::primary() {
  const Token& token = current();
  if (token.type == TokenType::kName) {
    Expression* node = make(ExpressionKind::kConstant);
    next();
    if (token.text == "true" || token.text == "True") {
      node->constant = of_bool(true);
    } else if (token.text == "false" || token.text == "False") {
      node->constant = of_bool(false);
    } else if (token.text == "none" || token.text == "None") {
      node->constant = retort::jinja::none();
    } else {
      node->kind = ExpressionKind::kName;
      node->name = token.text;
      node->symbol = symbol(token.text);
      note_use(token.text);
    }
    return node;
  }
  if (token.type == TokenType::kString) {
    Expression* node = make(ExpressionKind::kConstant);
    next();
    std::string_view text = token.text;
    if (current().type == TokenType::kString) {
      std::string joined(text);
      while (current().type == TokenType::kString) joined += next().text;
      text = program_.strings.emplace_back(std::move(joined));
    }
    node->constant = of_text(text);
    return node;
  }
  if (token.type == TokenType::kNumber) {
    Expression* node = make(ExpressionKind::kConstant);
    node->constant = next().number;
    return node;
  }
  if (skip_operator("(")) {
    Expression* node = tuple(Conditional::kAllowed, {}, true);
    expect_operator(")");
    return node;
  }
  if (token.is_operator("[")) return list();
  if (token.is_operator("{")) return dict();
  unexpected("an expression");
}

Expression* Parser::list() {
  Expression* node = make(ExpressionKind::kList);
  expect_operator("[");
  while (!current().is_operator("]")) {
    if (!node->items.empty()) {
      expect_operator(",");
      if (current().is_operator("]")) break;
    }
    node->items.push_back(expression());
  }
  expect_operator("]");
  return node;
}

Expression* Parser::dict() {
  Expression* node = make(ExpressionKind::kDict);
  expect_operator("{");
  while (!current().is_operator("}")) {
    if (!node->items.empty()) {
      expect_operator(",");
      if (current().is_operator("}")) break;
    }
    node->items.push_back(expression());
    expect_operator(":");
    node->items.push_back(expression());
  }
  expect_operator("}");
  return node;
}

Expression* Parser::postfix(Expression* node) {
  for (;;) {
    if (current().is_operator(".") || current().is_operator("[")) {
      node = subscript(node);
    } else if (current().is_operator("(")) {
      node = call(node);
    } else {
      return node;
    }
  }
}

Expression* Parser::filters_and_tests(Expression* node) {
  for (;;) {
    if (current().is_operator("|")) {
      next();
      node = filter(node);
    } else if (current().is_name("is")) {
      node = test(node);
    } else if (current().is_operator("(")) {
      node = call(node);
    } else {
      return node;
    }
  }
}

Expression* Parser::subscript(Expression* object) {
  Expression* node = make(ExpressionKind::kAttribute);
  node->a = object;
  if (skip_operator(".")) {
    const Token& token = next();
    if (token.type == TokenType::kName) {
      node->name = token.text;
      return node;
    }
    if (token.type != TokenType::kNumber || token.number.is(Kind::kFloat)) {
      syntax_fault(token.offset, "expected name or number");
    }
    node->kind = ExpressionKind::kItem;
    node->b = make(ExpressionKind::kConstant);
    node->b->constant = token.number;
    return node;
  }
  expect_operator("[");
  Expression* keys = make(ExpressionKind::kTuple);
  Expression* parts[3] = {};
  bool sliced = false;
  bool first = true;
  while (!current().is_operator("]")) {
    if (!first) expect_operator(",");
    first = false;
    Expression* item = nullptr;
    bool is_slice = false;
    subscript_part(item, is_slice, parts);
    if (is_slice && !keys->items.empty()) syntax_fault(current().offset, "a slice among several keys is not supported");
    sliced = sliced || is_slice;
    keys->items.push_back(item);
  }
  expect_operator("]");
  if (sliced) {
    if (keys->items.size() > 1) syntax_fault(node->offset, "a slice among several keys is not supported");
    node->kind = ExpressionKind::kSlice;
    node->b = parts[0];
    node->c = parts[1];
    node->d = parts[2];
    return node;
  }
  node->kind = ExpressionKind::kItem;
  node->b = keys->items.size() == 1 ? keys->items.front() : keys;
  return node;
}

// One part between brackets: an expression, or start:stop:step with any of them left out.
void Parser::subscript_part(Expression*& item, bool& sliced, Expression* parts[3]) {
  if (!current().is_operator(":")) {
    item = expression();
    if (!current().is_operator(":")) return;
  }
  sliced = true;
  parts[0] = item;
  parts[1] = parts[2] = nullptr;
  expect_operator(":");
  const auto ends = [&] { return current().is_operator("]") || current().is_operator(","); };
  if (!current().is_operator(":") && !ends()) parts[1] = expression();
  if (skip_operator(":") && !ends()) parts[2] = expression();
}

Expression* Parser::call(Expression* callee) {
  Expression* node = make(ExpressionKind::kCall);
  node->a = callee;
  call_arguments(*node);
  return node;
}

void Parser::call_arguments(Expression& node) {
  expect_operator("(");
  bool comma_needed = false;
  const auto ensure = [&](bool allowed) {
    if (!allowed) syntax_fault(current().offset, "invalid syntax for function call expression");
  };
  while (!current().is_operator(")")) {
    if (comma_needed) {
      expect_operator(",");
      if (current().is_operator(")")) break;
    }
    comma_needed = true;
    if (skip_operator("*")) {
      ensure(node.star_args == nullptr && node.star_kwargs == nullptr);
      node.star_args = expression();
    } else if (skip_operator("**")) {
      ensure(node.star_kwargs == nullptr);
      node.star_kwargs = expression();
    } else if (current().type == TokenType::kName && look().is_operator("=")) {
      ensure(node.star_kwargs == nullptr);
      const std::string_view name = next().text;
      next();
      node.named.emplace_back(name, expression());
    } else {
      ensure(node.star_args == nullptr && node.star_kwargs == nullptr && node.named.empty());
      node.items.push_back(expression());
    }
  }
  expect_operator(")");
}

Expression* Parser::filter(Expression* input) {
  Expression* node = make(ExpressionKind::kFilter);
  node->a = input;
  node->name = expect_name("the name of a filter").text;
  if (current().is_operator(".")) unexpected("a filter without dots in its name");
  node->filter = find_filter(node->name);
  if (node->filter == nullptr && !soft_) syntax_fault(node->offset, "No filter named '{}'.", node->name);
  if (current().is_operator("(")) call_arguments(*node);
  return node;
}

Expression* Parser::test(Expression* input) {
  next();
  const std::uint32_t offset = current().offset;
  const bool negated = skip_name("not");
  Expression* node = make(ExpressionKind::kTest);
  node->a = input;
  node->name = expect_name("the name of a test").text;
  node->test = find_test(node->name);
  if (node->test == nullptr && !soft_) syntax_fault(node->offset, "No test named '{}'.", node->name);
  const Token& token = current();
  const bool starts_argument = token.type == TokenType::kName || token.type == TokenType::kString ||
                               token.type == TokenType::kNumber || token.is_operator("[") || token.is_operator("{");
  if (token.is_operator("(")) {
    call_arguments(*node);
  } else if (starts_argument && !token.is_name("else") && !token.is_name("or") && !token.is_name("and")) {
    if (token.is_name("is")) syntax_fault(token.offset, "You cannot chain multiple tests with is");
    const Deeper deeper(*this);
    node->items.push_back(postfix(primary()));
  }
  if (!negated) return node;
  Expression* inverse = make(ExpressionKind::kNot);
  inverse->offset = offset;
  inverse->a = node;
  return inverse;
}

}  // namespace retort::jinja
