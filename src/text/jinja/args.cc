#include "text/jinja/args.h"

#include <algorithm>

namespace retort::jinja {

void Args::none(std::string_view function) const {
  if (!positional.empty() || !named.empty()) {
    fault("{} takes no arguments ({} given)", function, positional.size() + named.size());
  }
}

void bind_args(std::string_view function, const Args& args, std::span<const std::string_view> names,
               std::size_t required, std::span<Value> out) {
  if (args.positional.size() > names.size()) {
    fault("{} takes at most {} arguments ({} given)", function, names.size(), args.positional.size());
  }
  std::copy(args.positional.begin(), args.positional.end(), out.begin());
  for (const auto& [name, value] : args.named) {
    const auto at = std::find(names.begin(), names.end(), name);
    if (at == names.end() || name.empty()) fault("{} got an unexpected keyword argument '{}'", function, name);
    Value& place = out[static_cast<std::size_t>(at - names.begin())];
    if (!place.is_missing()) fault("{} got multiple values for argument '{}'", function, name);
    place = value;
  }
  for (std::size_t i = 0; i < required; ++i) {
    if (out[i].is_missing()) fault("{} needs its argument '{}'", function, names[i]);
  }
}

std::int64_t int_arg(Context& cx, const Value& value, std::string_view what) {
  if (value.is_undefined()) fail_undefined(cx, value);
  if (!value.is_integral()) fault("{} must be an integer, not '{}'", what, type_name(value));
  return value.integral();
}

std::int64_t int_arg(Context& cx, const Value& value, std::string_view what, std::int64_t fallback) {
  return value.is_missing() ? fallback : int_arg(cx, value, what);
}

bool bool_arg(Context& cx, const Value& value, bool fallback) {
  return value.is_missing() ? fallback : truthy(cx, value);
}

std::string_view text_arg(Context& cx, const Value& value, std::string_view what) {
  if (value.is_undefined()) fail_undefined(cx, value);
  if (!value.is_string()) fault("{} must be str, not {}", what, type_name(value));
  return value.text();
}

}  // namespace retort::jinja
