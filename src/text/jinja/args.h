// The arguments of a call, and how a function of ours finds its parameters among them.
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja/context.h"

namespace retort::jinja {

struct Args {
  std::vector<Value> positional;
  std::vector<std::pair<std::string_view, Value>> named;

  /// Throws if there are any.
  void none(std::string_view function) const;
};

/// Puts `args` in the places of `names`; kMissing where nothing was given. Fault for too many, unknown or repeated
/// ones, and where one of the first `required` is missing.
void bind_args(std::string_view function, const Args& args, std::span<const std::string_view> names,
               std::size_t required, std::span<Value> out);

template <std::size_t N>
std::array<Value, N> bind(std::string_view function, const Args& args, const std::string_view (&names)[N],
                          std::size_t required = 0) {
  std::array<Value, N> out;
  bind_args(function, args, names, required, out);
  return out;
}

// What a parameter must be; the fallback for one that was not given.
std::int64_t int_arg(Context& cx, const Value& value, std::string_view what);
std::int64_t int_arg(Context& cx, const Value& value, std::string_view what, std::int64_t fallback);
bool bool_arg(Context& cx, const Value& value, bool fallback);
/// A str as Python's own methods want it: nothing else will do.
std::string_view text_arg(Context& cx, const Value& value, std::string_view what);

}  // namespace retort::jinja
