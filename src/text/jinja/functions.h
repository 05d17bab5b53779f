// The functions that every template has: range, namespace, dict, ..., and what the interpreter shows of its own
// objects.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "text/jinja/args.h"
#include "text/jinja/context.h"

namespace retort::jinja {

struct FunctionSpec {
  std::string_view name;
  Value (*call)(Context& cx, const Args& args);
};
struct Function : Object {
  const FunctionSpec* spec = nullptr;
};

std::span<const FunctionSpec> global_functions();
std::string_view function_name(const Value& function);

/// strftime of a broken-down time, in the C locale. Unknown directives stay as they are.
std::string format_time(std::string_view format, const std::tm& time, long microseconds);

// Of a loop: interpreter_loop.cc
std::size_t loop_length(Context& cx, const Value& loop);

}  // namespace retort::jinja
