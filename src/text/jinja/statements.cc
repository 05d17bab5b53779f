#include "text/jinja/functions.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/text_of.h"

namespace retort::jinja {

Interpreter::Interpreter(const Program& program, const TemplateLimits& limits)
    : Context(limits), program_(program), root_(program.symbols.size()), globals_(program.symbols.size()) {
  for (std::size_t i = 0; i < program.symbols.size(); ++i) {
    for (const FunctionSpec& spec : global_functions()) {
      if (spec.name != program.symbols[i]) continue;
      auto* function = heap.make<Function>();
      function->kind = ObjectKind::kFunction;
      function->spec = &spec;
      globals_[i] = of_object(function);
    }
  }
}

void Interpreter::define(std::string_view name, const Value& value) {
  for (std::size_t i = 0; i < program_.symbols.size(); ++i) {
    if (program_.symbols[i] == name) root_[i] = value;
  }
}

std::string Interpreter::run() {
  run_body(program_.body, &root_scope_);
  return std::move(output_);
}

void Interpreter::emit(std::string_view text) {
  emitted_ += text.size();
  if (emitted_ > limits().max_output_bytes) {
    exhausted("the output takes more than the limit of {} bytes", limits().max_output_bytes);
  }
  scan(text.size());
  out_->append(text);
}

// The output of `body` on its own.
Interpreter::Flow Interpreter::capture(const Body& body, Scope* scope, std::string& into) {
  // An exception ends the whole rendering, so that nothing has to be put back for it.
  std::string* const outer = std::exchange(out_, &into);
  const Flow flow = run_body(body, scope);
  out_ = outer;
  return flow;
}

Interpreter::Flow Interpreter::run_body(const Body& body, Scope* scope) {
  for (const Statement* statement : body) {
    const Flow flow = run_statement(*statement, scope);
    if (flow != Flow::kOn) return flow;
  }
  return Flow::kOn;
}

Interpreter::Flow Interpreter::run_statement(const Statement& statement, Scope* scope) {
  step();
  const Deeper deeper(*this);
  offset_ = statement.offset;
  switch (statement.kind) {
    case StatementKind::kText:
      emit(statement.text);
      return Flow::kOn;
    case StatementKind::kPrint:
      for (const Expression* item : statement.items) {
        const Value value = eval(*item, scope);
        emit(text_of(*this, value));
      }
      return Flow::kOn;
    case StatementKind::kSet:
      assign(*statement.target, eval(*statement.value, scope), scope);
      return Flow::kOn;
    case StatementKind::kSetBlock:
      run_set_block(statement, scope);
      return Flow::kOn;
    case StatementKind::kFor:
      return run_for(statement, scope, eval(*statement.value, scope), 0);
    case StatementKind::kIf:
      return run_if(statement, scope);
    case StatementKind::kMacro:
      assign_name(statement.symbol, make_macro(*statement.macro, scope), scope);
      return Flow::kOn;
    case StatementKind::kCallBlock:
      run_call_block(statement, scope);
      return Flow::kOn;
    case StatementKind::kFilterBlock: {
      std::string text;
      const Flow flow = capture(statement.body, open(scope), text);
      if (flow != Flow::kOn) return flow;
      emit(text_of(*this, eval_filter(*statement.value, scope, new_text(*this, text))));
      return Flow::kOn;
    }
    case StatementKind::kWith:
      run_with(statement, scope);
      return Flow::kOn;
    case StatementKind::kScope:
      return run_body(statement.body, open(scope));
    case StatementKind::kBreak:
      return Flow::kBreak;
    case StatementKind::kContinue:
      return Flow::kContinue;
  }
  return Flow::kOn;
}

Interpreter::Flow Interpreter::run_if(const Statement& statement, Scope* scope) {
  for (const Branch& branch : statement.branches) {
    if (truthy(*this, eval(*branch.test, scope))) return run_body(branch.body, scope);
  }
  return run_body(statement.otherwise, scope);
}

Interpreter::Flow Interpreter::run_for(const Statement& statement, Scope* scope, const Value& over,
                                       std::int64_t depth0) {
  offset_ = statement.value->offset;
  auto* loop = heap.make<Loop>();
  loop->kind = ObjectKind::kLoop;
  loop->statement = &statement;
  loop->scope = scope;
  loop->items = iterate(*this, over);
  loop->filtered = statement.condition != nullptr;
  loop->depth0 = depth0;
  Scope* inner = nullptr;
  bool any = false;
  while (advance(*loop)) {
    step();
    any = true;
    if (inner == nullptr || inner->captured) {
      inner = open(scope);
    } else {
      inner->variables.clear();
    }
    inner->variables.push_back(heap, {program_.loop, of_object(loop)});
    offset_ = statement.target->offset;
    assign(*statement.target, loop->current, inner);
    if (run_body(statement.body, inner) == Flow::kBreak) break;
  }
  return any ? Flow::kOn : run_body(statement.otherwise, open(scope));
}

void Interpreter::run_set_block(const Statement& statement, Scope* scope) {
  std::string text;
  if (capture(statement.body, open(scope), text) != Flow::kOn) fault("break and continue cannot leave a set block");
  Value value = new_text(*this, text);
  if (statement.value != nullptr) value = eval_filter(*statement.value, scope, value);
  assign(*statement.target, value, scope);
}

void Interpreter::run_call_block(const Statement& statement, Scope* scope) {
  Scope* inner = open(scope);
  const Value callee = eval(*statement.value->a, inner);
  Args args = eval_args(*statement.value, inner);
  args.named.emplace_back("caller", make_macro(*statement.macro, inner));
  offset_ = statement.value->offset;
  emit(text_of(*this, call_value(callee, args)));
}

void Interpreter::run_with(const Statement& statement, Scope* scope) {
  Scope* inner = open(scope);
  for (const auto& [target, value] : statement.assigns) assign(*target, eval(*value, scope), inner);
  if (run_body(statement.body, inner) != Flow::kOn) fault("break and continue cannot leave a with block");
}

Scope* Interpreter::open(Scope* parent) {
  auto* scope = heap.make<Scope>();
  scope->parent = parent;
  return scope;
}

void Interpreter::keep(Scope* scope) {
  for (; scope != nullptr && !scope->captured; scope = scope->parent) scope->captured = true;
}

Value Interpreter::look_up(Symbol symbol, Scope* scope) {
  for (; scope->parent != nullptr; scope = scope->parent) {
    step(1 + scope->variables.size() / 8);
    // The latest is asked for the most.
    for (std::size_t i = scope->variables.size(); i-- > 0;) {
      if (scope->variables[i].symbol == symbol) return scope->variables[i].value;
    }
  }
  if (!root_[symbol].is_missing()) return root_[symbol];
  if (!globals_[symbol].is_missing()) return globals_[symbol];
  return undefined_name(*this, program_.symbols[symbol]);
}

void Interpreter::assign_name(Symbol symbol, const Value& value, Scope* scope) {
  if (scope->parent == nullptr) {
    root_[symbol] = value;
    return;
  }
  step(1 + scope->variables.size() / 8);
  for (auto& variable : scope->variables) {
    if (variable.symbol == symbol) {
      variable.value = value;
      return;
    }
  }
  scope->variables.push_back(heap, {symbol, value});
}

void Interpreter::assign(const Expression& target, const Value& value, Scope* scope) {
  switch (target.kind) {
    case ExpressionKind::kName:
      return assign_name(target.symbol, value, scope);
    case ExpressionKind::kNamespaceField: {
      auto* ns = object_as<Namespace>(look_up(target.symbol, scope), ObjectKind::kNamespace);
      offset_ = target.offset;
      if (ns == nullptr) fault("cannot assign attribute on non-namespace object");
      for (auto& entry : ns->entries) {
        step();
        if (entry.name == target.constant.text()) {
          entry.value = value;
          return;
        }
      }
      return ns->entries.push_back(heap, {target.constant.text(), value});
    }
    default:
      break;
  }
  if (!is_iterable(value)) fault("cannot unpack non-iterable {} object", type_name(value));
  const auto parts = iterate(*this, value);
  if (parts.size() < target.items.size()) {
    fault("not enough values to unpack (expected {}, got {})", target.items.size(), parts.size());
  }
  if (parts.size() > target.items.size()) fault("too many values to unpack (expected {})", target.items.size());
  for (std::size_t i = 0; i < parts.size(); ++i) assign(*target.items[i], parts[i], scope);
}

}  // namespace retort::jinja
