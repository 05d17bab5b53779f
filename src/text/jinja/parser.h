// Tokens to a Program: jinja2's grammar with the loop controls and the generation block.
#pragma once

#include <initializer_list>
#include <string_view>
#include <unordered_map>

#include "text/jinja/ast.h"
#include "text/jinja/lexer.h"

namespace retort::jinja {

/// Throws Fault.
void parse_program(Program& program, int max_depth);

class Parser {
 public:
  Parser(Program& program, int max_depth);
  void parse();

 private:
  // Statements: parse_statement.cc
  Body body_until(std::initializer_list<std::string_view> ends);
  Body block_body(std::initializer_list<std::string_view> ends);
  Body block_body_and_end(std::string_view end);
  Statement* statement();
  Statement* if_statement();
  Statement* for_statement();
  Statement* set_statement();
  Statement* with_statement();
  Statement* macro_statement();
  Statement* call_statement();
  Statement* filter_statement();
  Statement* print_statement();
  Statement* loop_control(StatementKind kind);
  void signature(MacroDefinition& macro);
  void macro_body(MacroDefinition& macro, std::string_view end);
  Expression* assign_target(bool is_set);
  void check_target(const Expression* target, bool is_set);
  Statement* make(StatementKind kind);

  // Expressions: parse_expression.cc
  enum class Conditional { kAllowed, kNot };
  Expression* tuple(Conditional conditional, std::initializer_list<std::string_view> extra_ends, bool parenthesized);
  bool tuple_ends(std::initializer_list<std::string_view> extra_ends) const;
  Expression* expression(Conditional conditional = Conditional::kAllowed);
  Expression* conditional();
  Expression* or_expression();
  Expression* and_expression();
  Expression* not_expression();
  Expression* comparison();
  Expression* sum();
  Expression* concatenation();
  Expression* product();
  Expression* power();
  Expression* unary(bool with_filters);
  Expression* primary();
  Expression* list();
  Expression* dict();
  Expression* postfix(Expression* node);
  Expression* filters_and_tests(Expression* node);
  Expression* filter(Expression* input);
  Expression* test(Expression* input);
  Expression* subscript(Expression* object);
  void subscript_part(Expression*& item, bool& sliced, Expression* parts[3]);
  Expression* call(Expression* callee);
  void call_arguments(Expression& node);
  Expression* make(ExpressionKind kind);

  // Tokens
  [[nodiscard]] const Token& current() const { return tokens_[at_]; }
  [[nodiscard]] const Token& look() const { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
  const Token& next() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  bool skip_name(std::string_view name);
  bool skip_operator(std::string_view op);
  void expect_operator(std::string_view op);
  const Token& expect_name(std::string_view what);
  void expect(TokenType type, std::string_view what);
  [[noreturn]] void unexpected(std::string_view expected) const;
  Symbol symbol(std::string_view name);
  void note_use(std::string_view name);

  /// Counts nesting, which bounds the parser's own recursion.
  class Deeper {
   public:
    explicit Deeper(Parser& parser);
    ~Deeper() { --parser_.depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;

   private:
    Parser& parser_;
  };

  Program& program_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  int max_depth_;
  int loops_ = 0;      ///< open for loops that break and continue may mean
  bool soft_ = false;  ///< within an if: an unknown filter is an error only when it is reached
  std::unordered_map<std::string_view, Symbol> symbols_;
  std::vector<MacroDefinition*> open_macros_;
};

}  // namespace retort::jinja
