#include "text/jinja/compare.h"
#include "text/jinja/filters.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/text_of.h"

namespace retort::jinja {

Value Interpreter::eval(const Expression& e, Scope* scope) {
  step();
  switch (e.kind) {
    case ExpressionKind::kConstant:
      return e.constant;
    case ExpressionKind::kName:
      return look_up(e.symbol, scope);
    default:
      break;
  }
  const Deeper deeper(*this);
  switch (e.kind) {
    case ExpressionKind::kAttribute: {
      const Value object = eval(*e.a, scope);
      offset_ = e.offset;
      return get_attribute(*this, object, e.name);
    }
    case ExpressionKind::kItem: {
      const Value object = eval(*e.a, scope);
      const Value key = eval(*e.b, scope);
      offset_ = e.offset;
      return get_item(*this, object, key);
    }
    case ExpressionKind::kNot:
      return of_bool(!truthy(*this, eval(*e.a, scope)));
    case ExpressionKind::kNegate: {
      const Value value = eval(*e.a, scope);
      offset_ = e.offset;
      return negate(*this, value);
    }
    case ExpressionKind::kPlus: {
      const Value value = eval(*e.a, scope);
      offset_ = e.offset;
      return plus(*this, value);
    }
    case ExpressionKind::kAnd:
    case ExpressionKind::kOr: {
      Value value;
      for (const Expression* item : e.items) {
        value = eval(*item, scope);
        if (truthy(*this, value) == (e.kind == ExpressionKind::kOr)) break;
      }
      return value;
    }
    case ExpressionKind::kConditional:
      if (truthy(*this, eval(*e.b, scope))) return eval(*e.a, scope);
      if (e.c != nullptr) return eval(*e.c, scope);
      return undefined_hint(*this, "the inline if-expression evaluated to false and no else section was defined.");
    case ExpressionKind::kList:
    case ExpressionKind::kTuple:
      return eval_items(e, scope);
    case ExpressionKind::kDict:
      return eval_dict(e, scope);
    case ExpressionKind::kSlice:
      return eval_slice(e, scope);
    case ExpressionKind::kCall:
      return eval_call(e, scope);
    case ExpressionKind::kFilter:
      return eval_filter(e, scope, {});
    case ExpressionKind::kTest:
      return eval_test(e, scope);
    case ExpressionKind::kBinary:
      return eval_binary(e, scope);
    case ExpressionKind::kConcat:
      return eval_concat(e, scope);
    case ExpressionKind::kCompare:
      return eval_compare(e, scope);
    default:
      return {};
  }
}

Value Interpreter::eval_items(const Expression& e, Scope* scope) {
  std::vector<Value> items;
  items.reserve(e.items.size());
  for (const Expression* item : e.items) items.push_back(eval(*item, scope));
  return e.kind == ExpressionKind::kList ? new_list(*this, items) : new_tuple(*this, items);
}

Value Interpreter::eval_dict(const Expression& e, Scope* scope) {
  DictBuilder dict(*this);
  for (std::size_t i = 0; i < e.items.size(); i += 2) {
    const Value key = eval(*e.items[i], scope);
    const Value value = eval(*e.items[i + 1], scope);
    offset_ = e.offset;
    dict.set(key, value);
  }
  return dict.finish();
}

Value Interpreter::eval_slice(const Expression& e, Scope* scope) {
  const Value object = eval(*e.a, scope);
  const auto part = [&](const Expression* expression) {
    return expression == nullptr ? none() : eval(*expression, scope);
  };
  const Value start = part(e.b);
  const Value stop = part(e.c);
  const Value by = part(e.d);
  offset_ = e.offset;
  return get_slice(*this, object, start, stop, by);
}

Args Interpreter::eval_args(const Expression& e, Scope* scope) {
  Args args;
  args.positional.reserve(e.items.size());
  for (const Expression* item : e.items) args.positional.push_back(eval(*item, scope));
  for (const auto& [name, value] : e.named) args.named.emplace_back(name, eval(*value, scope));
  if (e.star_args != nullptr) {
    const auto more = iterate(*this, eval(*e.star_args, scope));
    step(more.size());
    args.positional.insert(args.positional.end(), more.begin(), more.end());
  }
  if (e.star_kwargs != nullptr) {
    const Value more = eval(*e.star_kwargs, scope);
    if (!more.is(Kind::kDict)) fault("argument after ** must be a mapping, not {}", type_name(more));
    for (const auto& entry : more.dict->span()) {
      step();
      if (!entry.key.is_string()) fault("keywords must be strings");
      args.named.emplace_back(entry.key.text(), entry.value);
    }
  }
  return args;
}

Value Interpreter::eval_call(const Expression& e, Scope* scope) {
  if (e.a->kind == ExpressionKind::kAttribute) {
    // A method that is called at once needs no object of its own.
    const Value object = eval(*e.a->a, scope);
    offset_ = e.a->offset;
    if (const MethodSpec* method = find_method(object, e.a->name)) {
      const Args args = eval_args(e, scope);
      offset_ = e.offset;
      return method->call(*this, object, args);
    }
    const Value callee = get_attribute(*this, object, e.a->name);
    const Args args = eval_args(e, scope);
    offset_ = e.offset;
    return call_value(callee, args);
  }
  const Value callee = eval(*e.a, scope);
  const Args args = eval_args(e, scope);
  offset_ = e.offset;
  return call_value(callee, args);
}

Value Interpreter::eval_filter(const Expression& e, Scope* scope, const Value& innermost) {
  const Deeper deeper(*this);
  step();
  Value input = innermost;
  if (e.a != nullptr) {
    // Filters of a filter block stand on one another, down to the block's text.
    const bool in_block = !innermost.is_missing() && e.a->kind == ExpressionKind::kFilter;
    input = in_block ? eval_filter(*e.a, scope, innermost) : eval(*e.a, scope);
  }
  const Args args = eval_args(e, scope);
  offset_ = e.offset;
  if (e.filter == nullptr) fault("No filter named '{}'.", e.name);
  return e.filter->call(*this, input, args);
}

Value Interpreter::eval_test(const Expression& e, Scope* scope) {
  const Value input = eval(*e.a, scope);
  const Args args = eval_args(e, scope);
  offset_ = e.offset;
  if (e.test == nullptr) fault("No test named '{}'.", e.name);
  return of_bool(e.test->call(*this, input, args));
}

Value Interpreter::eval_binary(const Expression& e, Scope* scope) {
  // A sum of a thousand parts leans to the left a thousand deep: go down it without recursion.
  std::vector<const Expression*> spine{&e};
  while (spine.back()->a->kind == ExpressionKind::kBinary) {
    step();
    spine.push_back(spine.back()->a);
  }
  Value left = eval(*spine.back()->a, scope);
  for (std::size_t i = spine.size(); i-- > 0;) {
    const Value right = eval(*spine[i]->b, scope);
    offset_ = spine[i]->offset;
    left = binary(*this, spine[i]->op, left, right);
  }
  return left;
}

Value Interpreter::eval_concat(const Expression& e, Scope* scope) {
  std::vector<Value> parts;
  parts.reserve(e.items.size());
  for (const Expression* item : e.items) parts.push_back(eval(*item, scope));
  offset_ = e.offset;
  std::string_view text = text_of(*this, parts.front());
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::string_view part = text_of(*this, parts[i]);
    scan(part.size());
    text = heap.concat(text, part);
  }
  return of_text(text);
}

Value Interpreter::eval_compare(const Expression& e, Scope* scope) {
  Value left = eval(*e.items[0], scope);
  for (std::size_t i = 0; i < e.compares.size(); ++i) {
    const Value right = eval(*e.items[i + 1], scope);
    offset_ = e.offset;
    bool holds = false;
    switch (e.compares[i]) {
      case CompareOp::kEqual:
        holds = equals(*this, left, right);
        break;
      case CompareOp::kNotEqual:
        holds = !equals(*this, left, right);
        break;
      case CompareOp::kLess:
        holds = ordered(*this, left, right, Order::kLess);
        break;
      case CompareOp::kLessEqual:
        holds = ordered(*this, left, right, Order::kLessEqual);
        break;
      case CompareOp::kGreater:
        holds = ordered(*this, left, right, Order::kGreater);
        break;
      case CompareOp::kGreaterEqual:
        holds = ordered(*this, left, right, Order::kGreaterEqual);
        break;
      case CompareOp::kIn:
        holds = contains(*this, right, left);
        break;
      case CompareOp::kNotIn:
        holds = !contains(*this, right, left);
        break;
    }
    if (!holds) return of_bool(false);
    left = right;
  }
  return of_bool(true);
}

}  // namespace retort::jinja
