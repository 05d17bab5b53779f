// Runs a parsed template: statements write to the output, expressions give values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/jinja/access.h"
#include "text/jinja/args.h"
#include "text/jinja/ast.h"
#include "text/jinja/context.h"

namespace retort::jinja {

/// The names of one block. A for loop, macro, call, filter, with and set block each open one; an if does not.
struct Scope {
  struct Variable {
    Symbol symbol;
    Value value;
  };
  Scope* parent = nullptr;  ///< null: the template itself, whose names the interpreter keeps
  HeapVector<Variable> variables;
  bool captured = false;  ///< a macro refers to it: it must stay as it is
};

struct Macro : Object {
  const MacroDefinition* definition = nullptr;
  Scope* scope = nullptr;  ///< where it was defined
};

/// A for loop under way; what `loop` is.
struct Loop : Object {
  const Statement* statement = nullptr;
  Scope* scope = nullptr;  ///< around the loop
  std::span<const Value> items;
  bool filtered = false;  ///< items still go through the loop's condition, each when its turn comes
  std::size_t next = 0;   ///< of `items`
  Value after;            ///< looked ahead; kMissing: not yet, or nothing there
  Value current;
  Value before;
  std::int64_t index0 = -1;
  std::int64_t depth0 = 0;
  std::size_t length = 0;  ///< once known
  bool length_known = false;
  Value changed;  ///< what changed() was last given
};

class Interpreter : public Context {
 public:
  Interpreter(const Program& program, const TemplateLimits& limits);

  /// A variable of the template's own scope, if it uses the name.
  void define(std::string_view name, const Value& value);
  /// Throws Fault.
  std::string run();

  Value call(const Value& callee, const Args& args) override;

  /// Where the evaluation is: the place of a Fault that does not know its own.
  [[nodiscard]] std::uint32_t offset() const { return offset_; }

  // For the loop object.
  bool peek(Loop& loop);
  std::size_t loop_length(Loop& loop);

 private:
  enum class Flow { kOn, kBreak, kContinue };

  // Statements
  Flow run_body(const Body& body, Scope* scope);
  Flow run_statement(const Statement& statement, Scope* scope);
  Flow run_if(const Statement& statement, Scope* scope);
  Flow run_for(const Statement& statement, Scope* scope, const Value& over, std::int64_t depth0);
  bool advance(Loop& loop);
  bool passes(const Loop& loop, const Value& item);
  void run_set_block(const Statement& statement, Scope* scope);
  void run_call_block(const Statement& statement, Scope* scope);
  void run_with(const Statement& statement, Scope* scope);
  Flow capture(const Body& body, Scope* scope, std::string& into);
  void emit(std::string_view text);

  // Names
  Scope* open(Scope* parent);
  Value look_up(Symbol symbol, Scope* scope);
  void assign_name(Symbol symbol, const Value& value, Scope* scope);
  void assign(const Expression& target, const Value& value, Scope* scope);
  static void keep(Scope* scope);

  // Expressions
  Value eval(const Expression& e, Scope* scope);
  Value eval_items(const Expression& e, Scope* scope);
  Value eval_dict(const Expression& e, Scope* scope);
  Value eval_slice(const Expression& e, Scope* scope);
  Value eval_call(const Expression& e, Scope* scope);
  Value eval_filter(const Expression& e, Scope* scope, const Value& innermost);
  Value eval_test(const Expression& e, Scope* scope);
  Value eval_binary(const Expression& e, Scope* scope);
  Value eval_concat(const Expression& e, Scope* scope);
  Value eval_compare(const Expression& e, Scope* scope);
  Args eval_args(const Expression& e, Scope* scope);
  Value call_value(const Value& callee, const Args& args);
  Value call_macro(const Macro& macro, const Args& args);
  Value call_loop(const Loop& loop, const Args& args);
  Value make_macro(const MacroDefinition& definition, Scope* scope);

  const Program& program_;
  std::vector<Value> root_;     // by symbol; kMissing: not defined
  std::vector<Value> globals_;  // by symbol
  Scope root_scope_;
  std::string output_;
  std::string* out_ = &output_;
  std::size_t emitted_ = 0;
  std::uint32_t offset_ = 0;
  int macro_depth_ = 0;
};

// What the interpreter's objects show of themselves.
std::string_view macro_name(const Value& macro);
Value macro_attribute(Context& cx, const Value& macro, std::string_view name);
std::string loop_repr(Context& cx, const Value& loop);
Value loop_attribute(Context& cx, const Value& loop, std::string_view name);
std::span<const MethodSpec> loop_methods();

}  // namespace retort::jinja
