#include <algorithm>

#include "text/jinja/fault.h"
#include "text/jinja/parser.h"

namespace retort::jinja {

Parser::Parser(Program& program, int max_depth)
    : program_(program), tokens_(tokenize(program.source, program.strings)), max_depth_(max_depth) {
  program_.loop = symbol("loop");
  program_.caller = symbol("caller");
  program_.varargs = symbol("varargs");
  program_.kwargs = symbol("kwargs");
}

void parse_program(Program& program, int max_depth) { Parser(program, max_depth).parse(); }

void Parser::parse() {
  program_.body = body_until({});
  if (current().type != TokenType::kEnd) unexpected("the end of the template");
}

Parser::Deeper::Deeper(Parser& parser) : parser_(parser) {
  // Each level of nesting may cost two counts (an expression and its operand).
  if (++parser_.depth_ > 3 * parser_.max_depth_) {
    --parser_.depth_;
    throw Fault{ErrorCode::kOutOfRange, fmt::format("nested deeper than {} levels", parser_.max_depth_),
                parser_.current().offset, false};
  }
}

Symbol Parser::symbol(std::string_view name) {
  const auto [it, added] = symbols_.try_emplace(name, static_cast<Symbol>(program_.symbols.size()));
  if (added) program_.symbols.push_back(name);
  return it->second;
}

// A macro takes further arguments only where its body speaks of them.
void Parser::note_use(std::string_view name) {
  for (MacroDefinition* macro : open_macros_) {
    if (name == "varargs") macro->uses_varargs = true;
    if (name == "kwargs") macro->uses_kwargs = true;
    if (name == "caller") macro->uses_caller = true;
  }
}

void Parser::unexpected(std::string_view expected) const {
  const Token& token = current();
  if (token.type == TokenType::kEnd) syntax_fault(token.offset, "expected {} but the template ends", expected);
  if (token.type == TokenType::kData) syntax_fault(token.offset, "expected {} but found text", expected);
  syntax_fault(token.offset, "expected {} but found '{}'", expected, token.text.substr(0, 40));
}

bool Parser::skip_name(std::string_view name) {
  if (!current().is_name(name)) return false;
  next();
  return true;
}

bool Parser::skip_operator(std::string_view op) {
  if (!current().is_operator(op)) return false;
  next();
  return true;
}

void Parser::expect_operator(std::string_view op) {
  if (!skip_operator(op)) unexpected(fmt::format("'{}'", op));
}

const Token& Parser::expect_name(std::string_view what) {
  if (current().type != TokenType::kName) unexpected(what);
  return next();
}

void Parser::expect(TokenType type, std::string_view what) {
  if (current().type != type) unexpected(what);
  next();
}

Statement* Parser::make(StatementKind kind) {
  Statement& node = program_.statements.emplace_back();
  node.kind = kind;
  node.offset = current().offset;
  return &node;
}

// Statements up to a block that begins with one of `ends`, whose name is then the current token; all of them to the
// end of the template if there are none.
Body Parser::body_until(std::initializer_list<std::string_view> ends) {
  Body body;
  for (;;) {
    const Token& token = current();
    if (token.type == TokenType::kEnd) return body;
    if (token.type == TokenType::kData) {
      Statement* text = make(StatementKind::kText);
      text->text = next().text;
      body.push_back(text);
    } else if (token.type == TokenType::kVariableBegin) {
      Statement* print = make(StatementKind::kPrint);
      next();
      print->items.push_back(tuple(Conditional::kAllowed, {}, false));
      expect(TokenType::kVariableEnd, "'}}'");
      body.push_back(print);
    } else {
      next();
      if (current().type == TokenType::kName && std::find(ends.begin(), ends.end(), current().text) != ends.end()) {
        return body;
      }
      body.push_back(statement());
      expect(TokenType::kBlockEnd, "'%}'");
    }
  }
}

Body Parser::block_body(std::initializer_list<std::string_view> ends) {
  skip_operator(":");
  expect(TokenType::kBlockEnd, "'%}'");
  const std::uint32_t offset = current().offset;
  Body body = body_until(ends);
  if (current().type == TokenType::kEnd) {
    syntax_fault(offset, "the block that begins before here is never closed: expected '{}'", *(ends.end() - 1));
  }
  return body;
}

Body Parser::block_body_and_end(std::string_view end) {
  Body body = block_body({end});
  next();
  return body;
}

Statement* Parser::statement() {
  const Deeper deeper(*this);
  if (current().type != TokenType::kName) unexpected("a statement");
  const std::string_view name = current().text;
  if (name == "if") return if_statement();
  if (name == "for") return for_statement();
  if (name == "set") return set_statement();
  if (name == "macro") return macro_statement();
  if (name == "call") return call_statement();
  if (name == "filter") return filter_statement();
  if (name == "with") return with_statement();
  if (name == "print") return print_statement();
  if (name == "break") return loop_control(StatementKind::kBreak);
  if (name == "continue") return loop_control(StatementKind::kContinue);
  if (name == "generation") {
    Statement* scope = make(StatementKind::kScope);
    next();
    const int loops = std::exchange(loops_, 0);
    const bool soft = std::exchange(soft_, false);
    scope->body = block_body_and_end("endgeneration");
    loops_ = loops;
    soft_ = soft;
    return scope;
  }
  constexpr std::string_view kRefused[] = {"block", "extends", "include", "import", "from", "autoescape"};
  if (std::find(std::begin(kRefused), std::end(kRefused), name) != std::end(kRefused)) {
    throw Fault{ErrorCode::kUnsupported, fmt::format("'{}' is not supported in a chat template", name),
                current().offset, false};
  }
  syntax_fault(current().offset, "Encountered unknown tag '{}'.", name);
}

Statement* Parser::if_statement() {
  Statement* node = make(StatementKind::kIf);
  const bool soft = std::exchange(soft_, true);
  for (;;) {
    next();
    Branch branch{tuple(Conditional::kNot, {}, false), {}};
    branch.body = block_body({"elif", "else", "endif"});
    node->branches.push_back(std::move(branch));
    if (!current().is_name("elif")) break;
  }
  if (next().text == "else") node->otherwise = block_body_and_end("endif");
  soft_ = soft;
  return node;
}

Statement* Parser::for_statement() {
  Statement* node = make(StatementKind::kFor);
  next();
  node->target = assign_target(false);
  if (!skip_name("in")) unexpected("'in'");
  node->value = tuple(Conditional::kNot, {"recursive"}, false);
  const bool soft = std::exchange(soft_, false);
  if (skip_name("if")) node->condition = expression();
  node->recursive = skip_name("recursive");
  ++loops_;
  node->body = block_body({"endfor", "else"});
  --loops_;
  if (next().text == "else") node->otherwise = block_body_and_end("endfor");
  soft_ = soft;
  return node;
}

// A name, or a tuple of them; in a set also ns.field.
Expression* Parser::assign_target(bool is_set) {
  const Deeper deeper(*this);
  Expression* whole = make(ExpressionKind::kTuple);
  bool commas = false;
  for (;;) {
    if (current().is_name("in") && !is_set) break;
    if (current().type == TokenType::kBlockEnd || current().is_operator("=") || current().is_operator(")")) break;
    Expression* part = nullptr;
    if (skip_operator("(")) {
      part = assign_target(is_set);
      expect_operator(")");
    } else {
      part = make(ExpressionKind::kName);
      const Token& name = expect_name("a name to assign to");
      part->name = name.text;
      part->symbol = symbol(name.text);
      if (is_set && skip_operator(".")) {
        part->kind = ExpressionKind::kNamespaceField;
        part->constant = of_text(expect_name("the name of a field").text);
        note_use(name.text);
      }
    }
    check_target(part, is_set);
    whole->items.push_back(part);
    if (!skip_operator(",")) break;
    commas = true;
  }
  if (whole->items.empty()) unexpected("a name to assign to");
  return commas ? whole : whole->items.front();
}

void Parser::check_target(const Expression* target, bool is_set) {
  if (target->kind != ExpressionKind::kName) return;
  constexpr std::string_view kConstants[] = {"true", "false", "none", "True", "False", "None"};
  if (std::find(std::begin(kConstants), std::end(kConstants), target->name) != std::end(kConstants)) {
    syntax_fault(target->offset, "can't assign to '{}'", target->name);
  }
  if (!is_set && target->name == "loop") {
    syntax_fault(target->offset, "Can't assign to special loop variable in for-loop target");
  }
}

Statement* Parser::set_statement() {
  Statement* node = make(StatementKind::kSet);
  next();
  node->target = assign_target(true);
  if (skip_operator("=")) {
    node->value = tuple(Conditional::kAllowed, {}, false);
    return node;
  }
  node->kind = StatementKind::kSetBlock;
  while (skip_operator("|")) node->value = filter(node->value);
  const bool soft = std::exchange(soft_, false);
  node->body = block_body_and_end("endset");
  soft_ = soft;
  return node;
}

Statement* Parser::with_statement() {
  Statement* node = make(StatementKind::kWith);
  next();
  while (current().type != TokenType::kBlockEnd && !current().is_operator(":")) {
    if (!node->assigns.empty()) expect_operator(",");
    Expression* target = make(ExpressionKind::kName);
    const Token& name = expect_name("a name to assign to");
    target->name = name.text;
    target->symbol = symbol(name.text);
    check_target(target, true);
    expect_operator("=");
    node->assigns.emplace_back(target, expression());
  }
  const bool soft = std::exchange(soft_, false);
  node->body = block_body_and_end("endwith");
  soft_ = soft;
  return node;
}

void Parser::signature(MacroDefinition& macro) {
  expect_operator("(");
  while (!current().is_operator(")")) {
    if (!macro.parameters.empty()) expect_operator(",");
    const Token& name = expect_name("the name of a parameter");
    Parameter parameter{symbol(name.text), name.text, nullptr};
    if (skip_operator("=")) {
      parameter.fallback = expression();
    } else if (!macro.parameters.empty() && macro.parameters.back().fallback != nullptr) {
      syntax_fault(name.offset, "non-default argument follows default argument");
    }
    macro.parameters.push_back(parameter);
  }
  expect_operator(")");
}

void Parser::macro_body(MacroDefinition& macro, std::string_view end) {
  open_macros_.push_back(&macro);
  const int loops = std::exchange(loops_, 0);
  const bool soft = std::exchange(soft_, false);
  macro.body = block_body_and_end(end);
  loops_ = loops;
  soft_ = soft;
  open_macros_.pop_back();
}

Statement* Parser::macro_statement() {
  Statement* node = make(StatementKind::kMacro);
  next();
  const Token& name = expect_name("the name of the macro");
  node->macro = &program_.macros.emplace_back();
  node->macro->name = name.text;
  node->symbol = symbol(name.text);
  open_macros_.push_back(node->macro);
  signature(*node->macro);
  open_macros_.pop_back();
  macro_body(*node->macro, "endmacro");
  return node;
}

Statement* Parser::call_statement() {
  Statement* node = make(StatementKind::kCallBlock);
  next();
  node->macro = &program_.macros.emplace_back();
  if (current().is_operator("(")) signature(*node->macro);
  const std::uint32_t offset = current().offset;
  node->value = expression();
  if (node->value->kind != ExpressionKind::kCall) syntax_fault(offset, "expected call");
  macro_body(*node->macro, "endcall");
  return node;
}

Statement* Parser::filter_statement() {
  Statement* node = make(StatementKind::kFilterBlock);
  next();
  node->value = filter(nullptr);
  while (skip_operator("|")) node->value = filter(node->value);
  const bool soft = std::exchange(soft_, false);
  node->body = block_body_and_end("endfilter");
  soft_ = soft;
  return node;
}

Statement* Parser::print_statement() {
  Statement* node = make(StatementKind::kPrint);
  next();
  while (current().type != TokenType::kBlockEnd) {
    if (!node->items.empty()) expect_operator(",");
    node->items.push_back(expression());
  }
  return node;
}

Statement* Parser::loop_control(StatementKind kind) {
  Statement* node = make(kind);
  if (loops_ == 0) syntax_fault(node->offset, "'{}' outside loop", next().text);
  next();
  return node;
}

}  // namespace retort::jinja
