// map, select, reject and their kin, which apply a filter or test named by a text to every item; and the filters that
// jinja2 has and a chat template has no use for.
#include "text/jinja/filters.h"
#include "text/jinja/text_of.h"

namespace retort::jinja {

Value not_iterable(Context& cx, const Value& input) {
  if (is_iterable(input)) return {};
  return new_iterator(cx, "generator", {}, fmt::format("'{}' object is not iterable", type_name(input)));
}

namespace {

// Makes a generator. What fails for an item is told when someone comes to it, as in Python.
template <typename PerItem>
Value generate(Context& cx, std::span<const Value> items, PerItem per_item) {
  std::vector<Value> results;
  try {
    for (const Value& item : items) {
      cx.step();
      per_item(item, results);
    }
  } catch (const Fault& fault) {
    if (fault.code != ErrorCode::kInvalidArgument || fault.from_template) throw;
    return new_iterator(cx, "generator", results, fault.message);
  }
  return new_iterator(cx, "generator", results);
}

Args without_first(const Args& args, std::size_t count) {
  Args rest;
  rest.positional.assign(args.positional.begin() + static_cast<std::ptrdiff_t>(count), args.positional.end());
  rest.named = args.named;
  return rest;
}

std::string_view name_of(const Value& value, std::string_view what) {
  if (!value.is_string()) fault("the name of a {} must be a text, not {}", what, type_name(value));
  return value.text();
}

Value map(Context& cx, const Value& input, const Args& args) {
  if (!truthy(cx, input)) return new_iterator(cx, "generator", {});
  if (const Value failing = not_iterable(cx, input); !failing.is_missing()) return failing;
  if (args.positional.empty()) {
    const auto [attribute, fallback] = bind("map", args, {"attribute", "default"});
    if (attribute.is_missing()) return new_iterator(cx, "generator", {}, "map requires a filter argument");
    const AttributePath path(cx, attribute);
    const Value otherwise = fallback;
    return generate(cx, iterate(cx, input), [&](const Value& item, std::vector<Value>& results) {
      results.push_back(path.of(cx, item, otherwise));
    });
  }
  const std::string_view name = name_of(args.positional[0], "filter");
  const FilterSpec* filter = find_filter(name);
  if (filter == nullptr) return new_iterator(cx, "generator", {}, fmt::format("No filter named '{}'.", name));
  const Args rest = without_first(args, 1);
  return generate(cx, iterate(cx, input), [&](const Value& item, std::vector<Value>& results) {
    const Context::Deeper deeper(cx);
    results.push_back(filter->call(cx, item, rest));
  });
}

enum class Keep { kWhereTrue, kWhereFalse };
enum class By { kItem, kAttribute };

template <Keep kKeep, By kBy>
Value select(Context& cx, const Value& input, const Args& args) {
  if (!truthy(cx, input)) return new_iterator(cx, "generator", {});
  if (const Value failing = not_iterable(cx, input); !failing.is_missing()) return failing;
  constexpr std::size_t kBefore = kBy == By::kAttribute ? 1 : 0;
  if (args.positional.size() < kBefore) {
    return new_iterator(cx, "generator", {}, "Missing parameter for attribute name");
  }
  const AttributePath path(cx, kBy == By::kAttribute ? args.positional[0] : Value{});
  const TestSpec* test = nullptr;
  Args rest;
  if (args.positional.size() > kBefore) {
    const std::string_view name = name_of(args.positional[kBefore], "test");
    test = find_test(name);
    if (test == nullptr) return new_iterator(cx, "generator", {}, fmt::format("No test named '{}'.", name));
    rest = without_first(args, kBefore + 1);
  }
  return generate(cx, iterate(cx, input), [&](const Value& item, std::vector<Value>& results) {
    const Value subject = path.of(cx, item);
    const bool holds = test == nullptr ? truthy(cx, subject) : test->call(cx, subject, rest);
    if (holds == (kKeep == Keep::kWhereTrue)) results.push_back(item);
  });
}

Value refused(Context&, const Value&, const Args&) { fault("this filter is not supported in a chat template"); }

constexpr FilterSpec kFilters[] = {
    {"map", map},
    {"select", select<Keep::kWhereTrue, By::kItem>},
    {"reject", select<Keep::kWhereFalse, By::kItem>},
    {"selectattr", select<Keep::kWhereTrue, By::kAttribute>},
    {"rejectattr", select<Keep::kWhereFalse, By::kAttribute>},
    // A prompt must be the same every time, and is no web page.
    {"random", refused},
    {"urlize", refused},
    {"xmlattr", refused},
    {"striptags", refused},
    {"pprint", refused},
    {"wordwrap", refused},
    {"filesizeformat", refused},
};

}  // namespace

std::span<const FilterSpec> selecting_filters() { return kFilters; }

}  // namespace retort::jinja
