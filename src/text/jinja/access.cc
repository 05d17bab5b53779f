#include "text/jinja/access.h"

#include <algorithm>
#include <array>

#include "text/jinja/functions.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/unicode.h"

namespace retort::jinja {
namespace {

bool mutates(const Value& object, std::string_view name) {
  constexpr std::array<std::string_view, 8> kList{"append", "clear",  "extend",  "insert",
                                                  "pop",    "remove", "reverse", "sort"};
  constexpr std::array<std::string_view, 5> kDict{"clear", "pop", "popitem", "setdefault", "update"};
  if (object.is(Kind::kList)) return std::find(kList.begin(), kList.end(), name) != kList.end();
  if (object.is(Kind::kDict)) return std::find(kDict.begin(), kDict.end(), name) != kDict.end();
  return false;
}

// What even jinja2's Undefined has. (Any other attribute of it is an error.)
bool undefined_has(std::string_view name) {
  constexpr std::array<std::string_view, 12> kNames{"__class__", "__doc__",  "__init__", "__len__",
                                                    "__iter__",  "__str__",  "__repr__", "__eq__",
                                                    "__hash__",  "__call__", "__bool__", "__module__"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

const MethodSpec* in_table(std::span<const MethodSpec> table, std::string_view name) {
  const auto it =
      std::find_if(table.begin(), table.end(), [name](const MethodSpec& spec) { return spec.name == name; });
  return it == table.end() ? nullptr : &*it;
}

Value object_attribute(Context& cx, const Value& object, std::string_view name) {
  switch (object.object->kind) {
    case ObjectKind::kNamespace:
      for (const auto& entry : static_cast<const Namespace*>(object.object)->entries) {
        cx.step();
        if (entry.name == name) return entry.value;
      }
      return {};
    case ObjectKind::kLoop:
      return loop_attribute(cx, object, name);
    case ObjectKind::kMacro:
      return macro_attribute(cx, object, name);
    case ObjectKind::kCycler: {
      const auto& cycler = *static_cast<const Cycler*>(object.object);
      return name == "current" ? cycler.items[cycler.next] : Value{};
    }
    case ObjectKind::kRange: {
      const auto& range = *static_cast<const Range*>(object.object);
      return name == "start"  ? of_int(range.start)
             : name == "stop" ? of_int(range.stop)
             : name == "step" ? of_int(range.step)
                              : Value{};
    }
    default:
      return {};
  }
}

// The item, or kMissing where Python would raise LookupError or TypeError.
Value find_item(Context& cx, const Value& object, const Value& key) {
  switch (object.kind) {
    case Kind::kUndefined:
      fail_undefined(cx, object);
    case Kind::kDict: {
      if (key.is(Kind::kList) || key.is(Kind::kDict)) return {};
      const Value* found = dict_find(cx, *object.dict, key);
      return found == nullptr ? Value{} : *found;
    }
    case Kind::kString:
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kObject:
      break;
    default:
      return {};
  }
  if (!key.is_integral()) return {};
  const auto* range = object_as<Range>(object, ObjectKind::kRange);
  if (object.is(Kind::kObject) && range == nullptr) return {};
  const auto length = static_cast<std::int64_t>(*length_of(cx, object));
  std::int64_t index = key.integral();
  if (index < 0) index += length;
  if (index < 0 || index >= length) return {};
  if (range != nullptr) return of_int(range->at(static_cast<std::size_t>(index)));
  if (!object.is_string()) return object.list->items[index];
  const std::string_view text = object.text();
  const std::string_view rest = text.substr(byte_of_char(text, static_cast<std::size_t>(index)));
  Value character = of_text(rest.substr(0, char_bytes(rest)));
  character.markup = object.markup;
  return character;
}

}  // namespace

const MethodSpec* find_method(const Value& object, std::string_view name) {
  switch (object.kind) {
    case Kind::kString: {
      const MethodSpec* spec = in_table(string_methods(), name);
      return spec != nullptr ? spec : in_table(string_test_methods(), name);
    }
    case Kind::kDict:
      return in_table(dict_methods(), name);
    case Kind::kList:
    case Kind::kTuple: {
      const MethodSpec* spec = in_table(sequence_methods(), name);
      return spec != nullptr && spec->name == "copy" && object.is(Kind::kTuple) ? nullptr : spec;
    }
    case Kind::kInt:
    case Kind::kFloat:
      return in_table(number_methods(), name);
    case Kind::kObject:
      if (object.object->kind == ObjectKind::kCycler) return in_table(cycler_methods(), name);
      if (object.object->kind == ObjectKind::kLoop) return in_table(loop_methods(), name);
      if (object.object->kind == ObjectKind::kRange && name != "copy") return in_table(sequence_methods(), name);
      return nullptr;
    default:
      return nullptr;
  }
}

Value find_attribute(Context& cx, const Value& object, std::string_view name) {
  const bool dunder = name.size() > 4 && name.starts_with("__") && name.ends_with("__");
  if (object.is_undefined() && !(dunder && undefined_has(name))) fail_undefined(cx, object);
  if (object.is(Kind::kObject)) {
    const Value attribute = object_attribute(cx, object, name);
    if (!attribute.is_missing()) return attribute;
  }
  if (object.is(Kind::kTuple) && object.list->grouped) {
    if (name == "grouper") return object.list->items[0];
    if (name == "list") return object.list->items[1];
  }
  if (const MethodSpec* spec = find_method(object, name)) {
    auto* method = cx.heap.make<Method>();
    method->kind = ObjectKind::kMethod;
    method->spec = spec;
    method->self = object;
    return of_object(method);
  }
  if (dunder || mutates(object, name)) return undefined_unsafe(cx, object, name);
  return {};
}

Value get_attribute(Context& cx, const Value& object, std::string_view name) {
  Value found = find_attribute(cx, object, name);
  if (!found.is_missing()) return found;
  const Value key = of_text(name);
  found = find_item(cx, object, key);
  return found.is_missing() ? undefined_member(cx, object, key) : found;
}

Value get_item(Context& cx, const Value& object, const Value& key) {
  Value found = find_item(cx, object, key);
  if (!found.is_missing()) return found;
  if (key.is_string()) {
    found = find_attribute(cx, object, key.text());
    if (!found.is_missing()) return found;
  }
  return undefined_member(cx, object, key);
}

Bounds clamp_bounds(Context& cx, const Value& start, const Value& stop, std::int64_t length) {
  const auto resolve = [&](const Value& value, std::int64_t fallback) {
    if (value.is_missing() || value.is(Kind::kNone)) return fallback;
    const std::int64_t index = int_arg(cx, value, "a position");
    return std::clamp(index < 0 ? index + length : index, std::int64_t{0}, length);
  };
  return {resolve(start, 0), resolve(stop, length)};
}

namespace {

std::int64_t slice_part(const Value& value, std::int64_t fallback) {
  if (value.is(Kind::kNone)) return fallback;
  if (!value.is_integral()) fault("slice indices must be integers or None or have an __index__ method");
  return value.integral();
}

Value slice_text(Context& cx, const Value& object, const std::vector<std::int64_t>& picks, std::int64_t start,
                 std::int64_t stop, std::int64_t step) {
  const std::string_view text = object.text();
  Value result;
  if (step == 1) {
    const std::size_t from = byte_of_char(text, static_cast<std::size_t>(start));
    const std::string_view rest = text.substr(from);
    result = of_text(rest.substr(0, stop > start ? byte_of_char(rest, static_cast<std::size_t>(stop - start)) : 0));
  } else {
    std::vector<std::uint32_t> at;
    for (std::size_t i = 0; i < text.size(); i += char_bytes(text.substr(i)))
      at.push_back(static_cast<std::uint32_t>(i));
    std::string picked;
    for (const std::int64_t i : picks) {
      const std::string_view rest = text.substr(at[static_cast<std::size_t>(i)]);
      picked += rest.substr(0, char_bytes(rest));
    }
    result = new_text(cx, picked);
  }
  result.markup = object.markup;
  return result;
}

}  // namespace

Value get_slice(Context& cx, const Value& object, const Value& start_value, const Value& stop_value,
                const Value& step_value) {
  if (object.is_undefined()) fail_undefined(cx, object);
  const auto* range = object_as<Range>(object, ObjectKind::kRange);
  const bool sequence = object.is_string() || object.is(Kind::kList) || object.is(Kind::kTuple) || range != nullptr;
  if (!sequence) {
    // A slice is a key that nothing has.
    if (object.is(Kind::kDict)) fault("unhashable type: 'slice'");
    fault("'{}' object is not subscriptable", type_name(object));
  }
  const auto length = static_cast<std::int64_t>(*length_of(cx, object));
  const std::int64_t step = slice_part(step_value, 1);
  if (step == 0) fault("slice step cannot be zero");
  const auto resolve = [&](const Value& value, std::int64_t fallback) {
    if (value.is(Kind::kNone)) return fallback;
    std::int64_t index = slice_part(value, 0);
    if (index < 0) index += length;
    return step > 0 ? std::clamp(index, std::int64_t{0}, length) : std::clamp(index, std::int64_t{-1}, length - 1);
  };
  const std::int64_t start = resolve(start_value, step > 0 ? 0 : length - 1);
  const std::int64_t stop = resolve(stop_value, step > 0 ? length : -1);
  if (!object.is_string() && range == nullptr && step == 1) {
    Value v;
    v.kind = object.kind;
    v.list = cx.heap.make<List>(object.list->items + start,
                                static_cast<std::size_t>(std::max(std::int64_t{0}, stop - start)));
    return v;
  }
  std::vector<std::int64_t> picks;
  if (step != 1 || range != nullptr) {
    // The distance is unsigned so that a step near the end of the integers cannot overflow.
    for (std::int64_t i = start; step > 0 ? i < stop : i > stop;) {
      cx.step();
      picks.push_back(i);
      if (__builtin_add_overflow(i, step, &i)) break;
    }
  }
  if (object.is_string()) {
    cx.scan(object.size);
    return slice_text(cx, object, picks, start, stop, step);
  }
  cx.heap.require(picks.size(), sizeof(Value));
  std::vector<Value> items;
  items.reserve(picks.size());
  for (const std::int64_t i : picks) {
    items.push_back(range != nullptr ? of_int(range->at(static_cast<std::size_t>(i))) : object.list->items[i]);
  }
  return object.is(Kind::kTuple) ? new_tuple(cx, items) : new_list(cx, items);
}

}  // namespace retort::jinja
