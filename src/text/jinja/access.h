// object.name, object[key] and object[a:b:c], within the bounds of jinja2's immutable sandbox.
#pragma once

#include <string_view>

#include "text/jinja/args.h"
#include "text/jinja/context.h"

namespace retort::jinja {

/// The attribute (a method, a field), else the item; undefined if there is neither. Names that reach into Python and
/// methods that would change a list or a dict give an undefined that fails when used. `name` must outlive the heap.
Value get_attribute(Context& cx, const Value& object, std::string_view name);
/// The item, else the attribute.
Value get_item(Context& cx, const Value& object, const Value& key);
/// The attribute alone; kMissing if there is none.
Value find_attribute(Context& cx, const Value& object, std::string_view name);
/// Parts that were left out are kNone.
Value get_slice(Context& cx, const Value& object, const Value& start, const Value& stop, const Value& step);

/// A method of str, list, dict, ...: what `object.name` is before it is called.
struct MethodSpec {
  std::string_view name;
  Value (*call)(Context& cx, const Value& self, const Args& args);
};
struct Method : Object {
  const MethodSpec* spec = nullptr;
  Value self;
};
/// nullptr if the value's type has no such method, or the sandbox withholds it.
const MethodSpec* find_method(const Value& object, std::string_view name);

// The tables, per type.
std::span<const MethodSpec> string_methods();
std::span<const MethodSpec> string_test_methods();
std::span<const MethodSpec> dict_methods();
std::span<const MethodSpec> sequence_methods();
std::span<const MethodSpec> cycler_methods();
std::span<const MethodSpec> number_methods();

/// Python's resolution of [start:stop] against a length: negative counts from the end, all is clamped.
struct Bounds {
  std::int64_t start;
  std::int64_t stop;
};
Bounds clamp_bounds(Context& cx, const Value& start, const Value& stop, std::int64_t length);

}  // namespace retort::jinja
