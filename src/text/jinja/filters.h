// The filters and tests that templates may use, found by name.
#pragma once

#include <span>
#include <string_view>

#include "text/jinja/args.h"
#include "text/jinja/context.h"

namespace retort::jinja {

struct FilterSpec {
  std::string_view name;
  Value (*call)(Context& cx, const Value& input, const Args& args);
};
struct TestSpec {
  std::string_view name;
  bool (*call)(Context& cx, const Value& input, const Args& args);
};

/// nullptr if there is none of that name.
const FilterSpec* find_filter(std::string_view name);
const TestSpec* find_test(std::string_view name);

// The tables, by what they work on.
std::span<const FilterSpec> text_filters();
std::span<const FilterSpec> sequence_filters();
std::span<const FilterSpec> selecting_filters();
std::span<const FilterSpec> value_filters();
std::span<const TestSpec> tests();

/// What a generator over `input` gives where there is no going over it: an iterator that fails when someone does.
/// kMissing where there is.
Value not_iterable(Context& cx, const Value& input);

/// json.dumps as transformers' tojson calls it: not ASCII only, in the given order, ", " and ": ".
Value to_json(Context& cx, const Value& input, const Args& args);

/// The items of "a.b.0" of each value: what `attribute=` means to a filter. A missing or None `attribute` is the value
/// itself.
class AttributePath {
 public:
  AttributePath(Context& cx, const Value& attribute);
  Value of(Context& cx, Value value, const Value& fallback = {}) const;

 private:
  std::vector<Value> parts_;
};

}  // namespace retort::jinja
