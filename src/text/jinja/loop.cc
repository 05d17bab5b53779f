// The `loop` of a for loop.
#include "text/jinja/compare.h"
#include "text/jinja/functions.h"
#include "text/jinja/interpreter.h"

namespace retort::jinja {
namespace {

Loop& as_loop(const Value& value) { return *static_cast<Loop*>(value.object); }
// Loops exist only in renderings, and what renders is an Interpreter.
Interpreter& interpreter(Context& cx) { return static_cast<Interpreter&>(cx); }

Value cycle(Context&, const Value& self, const Args& args) {
  if (!args.named.empty()) fault("cycle() takes no keyword arguments");
  if (args.positional.empty()) fault("no items for cycling given");
  return args.positional[static_cast<std::size_t>(as_loop(self).index0) % args.positional.size()];
}

Value changed(Context& cx, const Value& self, const Args& args) {
  if (!args.named.empty()) fault("changed() takes no keyword arguments");
  Loop& loop = as_loop(self);
  const Value now = new_tuple(cx, args.positional);
  if (!loop.changed.is_missing() && equals(cx, loop.changed, now)) return of_bool(false);
  loop.changed = now;
  return of_bool(true);
}

constexpr MethodSpec kMethods[] = {{"cycle", cycle}, {"changed", changed}};

}  // namespace

std::span<const MethodSpec> loop_methods() { return kMethods; }

std::size_t loop_length(Context& cx, const Value& loop) { return interpreter(cx).loop_length(as_loop(loop)); }

std::string loop_repr(Context& cx, const Value& value) {
  return fmt::format("<LoopContext {}/{}>", as_loop(value).index0 + 1, loop_length(cx, value));
}

Value loop_attribute(Context& cx, const Value& value, std::string_view name) {
  Loop& loop = as_loop(value);
  if (name == "index") return of_int(loop.index0 + 1);
  if (name == "index0") return of_int(loop.index0);
  if (name == "first") return of_bool(loop.index0 == 0);
  if (name == "last") return of_bool(!interpreter(cx).peek(loop));
  if (name == "length") return of_size(loop_length(cx, value));
  if (name == "revindex") return of_int(static_cast<std::int64_t>(loop_length(cx, value)) - loop.index0);
  if (name == "revindex0") return of_int(static_cast<std::int64_t>(loop_length(cx, value)) - loop.index0 - 1);
  if (name == "depth") return of_int(loop.depth0 + 1);
  if (name == "depth0") return of_int(loop.depth0);
  if (name == "previtem") return loop.index0 == 0 ? undefined_hint(cx, "there is no previous item") : loop.before;
  if (name == "nextitem") {
    return interpreter(cx).peek(loop) ? loop.after : undefined_hint(cx, "there is no next item");
  }
  return {};
}

bool Interpreter::passes(const Loop& loop, const Value& item) {
  step();
  Scope* scope = open(loop.scope);
  assign(*loop.statement->target, item, scope);
  // `loop` is that of the loop around this one, if any: the condition is tried before there is a loop.
  return truthy(*this, eval(*loop.statement->condition, scope));
}

bool Interpreter::peek(Loop& loop) {
  if (!loop.after.is_missing()) return true;
  while (loop.next < loop.items.size()) {
    const Value& item = loop.items[loop.next++];
    if (loop.filtered && !passes(loop, item)) continue;
    loop.after = item;
    return true;
  }
  return false;
}

bool Interpreter::advance(Loop& loop) {
  if (!peek(loop)) return false;
  loop.before = loop.current;
  loop.current = loop.after;
  loop.after = Value{};
  ++loop.index0;
  return true;
}

std::size_t Interpreter::loop_length(Loop& loop) {
  if (loop.length_known) return loop.length;
  if (loop.filtered) {
    // All that is left goes through the condition now, as jinja2 does it.
    std::vector<Value> rest;
    while (loop.next < loop.items.size()) {
      const Value& item = loop.items[loop.next++];
      if (passes(loop, item)) rest.push_back(item);
    }
    loop.items = {heap.copy_array(rest.data(), rest.size()), rest.size()};
    loop.next = 0;
    loop.filtered = false;
    loop.length = static_cast<std::size_t>(loop.index0) + 1 + (loop.after.is_missing() ? 0 : 1) + rest.size();
  } else {
    loop.length = loop.items.size();
  }
  loop.length_known = true;
  return loop.length;
}

}  // namespace retort::jinja
