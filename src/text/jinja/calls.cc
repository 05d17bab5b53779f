// Calling things: macros above all.
#include <algorithm>

#include "text/jinja/functions.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/text_of.h"

namespace retort::jinja {

Value Interpreter::call(const Value& callee, const Args& args) { return call_value(callee, args); }

Value Interpreter::call_value(const Value& callee, const Args& args) {
  step();
  if (callee.is_undefined()) fail_undefined(*this, callee);
  if (!callee.is(Kind::kObject)) fault("'{}' object is not callable", type_name(callee));
  switch (callee.object->kind) {
    case ObjectKind::kFunction:
      return static_cast<const Function*>(callee.object)->spec->call(*this, args);
    case ObjectKind::kMethod: {
      const auto& method = *static_cast<const Method*>(callee.object);
      return method.spec->call(*this, method.self, args);
    }
    case ObjectKind::kMacro:
      return call_macro(*static_cast<const Macro*>(callee.object), args);
    case ObjectKind::kLoop:
      return call_loop(*static_cast<const Loop*>(callee.object), args);
    case ObjectKind::kJoiner: {
      args.none("a joiner");
      auto& joiner = *static_cast<Joiner*>(callee.object);
      return std::exchange(joiner.used, true) ? joiner.separator : of_text("");
    }
    default:
      fault("'{}' object is not callable", type_name(callee));
  }
}

Value Interpreter::make_macro(const MacroDefinition& definition, Scope* scope) {
  keep(scope);
  auto* macro = heap.make<Macro>();
  macro->kind = ObjectKind::kMacro;
  macro->definition = &definition;
  macro->scope = scope;
  return of_object(macro);
}

Value Interpreter::call_macro(const Macro& macro, const Args& args) {
  const MacroDefinition& definition = *macro.definition;
  if (macro_depth_ >= limits().max_depth) {
    throw Fault{ErrorCode::kOutOfRange, fmt::format("macros call one another more than {} deep", limits().max_depth),
                kNoOffset, false};
  }
  const std::size_t count = definition.parameters.size();
  if (args.positional.size() > count && !definition.uses_varargs) {
    fault("macro '{}' takes not more than {} argument(s)", definition.name, count);
  }
  std::vector<Value> given(count);
  for (std::size_t i = 0; i < std::min(count, args.positional.size()); ++i) given[i] = args.positional[i];
  Value caller;
  DictBuilder more(*this);
  for (const auto& [name, value] : args.named) {
    step();
    std::size_t i = 0;
    while (i < count && definition.parameters[i].name != name) ++i;
    if (i < count && given[i].is_missing()) {
      given[i] = value;
    } else if (name == "caller" && definition.uses_caller) {
      caller = value;
    } else if (definition.uses_kwargs) {
      more.set(of_text(name), value);
    } else {
      fault("macro '{}' takes no keyword argument '{}'", definition.name, name);
    }
  }
  Scope* scope = open(macro.scope);
  if (definition.uses_caller) {
    const bool absent = caller.is_missing() || caller.is(Kind::kNone);
    assign_name(program_.caller, absent ? undefined_hint(*this, "No caller defined") : caller, scope);
  }
  if (definition.uses_kwargs) assign_name(program_.kwargs, more.finish(), scope);
  if (definition.uses_varargs) {
    const auto rest = std::span<const Value>(args.positional).subspan(std::min(count, args.positional.size()));
    assign_name(program_.varargs, new_tuple(*this, rest), scope);
  }
  ++macro_depth_;
  const std::uint32_t called_at = offset_;
  for (std::size_t i = 0; i < count; ++i) {
    const Parameter& parameter = definition.parameters[i];
    Value value = given[i];
    if (value.is_missing()) {
      value = parameter.fallback != nullptr
                  ? eval(*parameter.fallback, scope)
                  : undefined_hint(*this, fmt::format("parameter '{}' was not provided", parameter.name));
    }
    assign_name(parameter.symbol, value, scope);
  }
  std::string text;
  capture(definition.body, scope, text);
  --macro_depth_;
  offset_ = called_at;
  return new_text(*this, text);
}

// loop(items) within a recursive loop: the same body over other items.
Value Interpreter::call_loop(const Loop& loop, const Args& args) {
  const auto [items] = bind("loop()", args, {"iterable"}, 1);
  if (!loop.statement->recursive) {
    fault("The loop must have the 'recursive' marker to be called recursively.");
  }
  if (macro_depth_ >= limits().max_depth) {
    throw Fault{ErrorCode::kOutOfRange, fmt::format("loops call themselves more than {} deep", limits().max_depth),
                kNoOffset, false};
  }
  ++macro_depth_;
  std::string text;
  std::string* const outer = std::exchange(out_, &text);
  run_for(*loop.statement, loop.scope, items, loop.depth0 + 1);
  out_ = outer;
  --macro_depth_;
  return new_text(*this, text);
}

std::string_view macro_name(const Value& macro) { return static_cast<const Macro*>(macro.object)->definition->name; }

Value macro_attribute(Context& cx, const Value& value, std::string_view name) {
  const MacroDefinition& definition = *static_cast<const Macro*>(value.object)->definition;
  if (name == "name") return definition.name.empty() ? none() : of_text(definition.name);
  if (name == "catch_kwargs") return of_bool(definition.uses_kwargs);
  if (name == "catch_varargs") return of_bool(definition.uses_varargs);
  if (name == "caller") return of_bool(definition.uses_caller);
  if (name != "arguments") return {};
  std::vector<Value> names;
  for (const Parameter& parameter : definition.parameters) names.push_back(of_text(parameter.name));
  return new_tuple(cx, names);
}

}  // namespace retort::jinja
