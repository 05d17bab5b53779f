#include "core/json.h"

#include <cmath>
#include <set>
#include <vector>

namespace retort {
namespace {

// Counts depth and looks for duplicate keys while nlohmann parses; refuses by making the parser stop.
struct Guard {
  DuplicateKeys duplicate_keys;
  std::vector<std::set<std::string, std::less<>>> keys;
  std::string refusal;

  template <typename J>
  bool operator()(int depth, typename J::parse_event_t event, J& parsed) {
    if (static_cast<std::size_t>(depth) > kMaxJsonDepth && refusal.empty()) {
      refusal = fmt::format("nested deeper than {} levels", kMaxJsonDepth);
    }
    if (duplicate_keys == DuplicateKeys::kRefuse) {
      if (event == J::parse_event_t::object_start) keys.emplace_back();
      if (event == J::parse_event_t::object_end) keys.pop_back();
      if (event == J::parse_event_t::key) {
        const auto& key = parsed.template get_ref<const std::string&>();
        if (!keys.back().insert(key).second && refusal.empty()) refusal = fmt::format("key '{}' appears twice", key);
      }
    }
    // A refused document is thrown away as it comes in: false discards the value.
    return refusal.empty();
  }
};

// "line 3, column 14", from nlohmann's message, which starts "[json.exception.parse_error.101] parse error at ..."
std::string clean(std::string_view message) {
  const auto start = message.find("] ");
  return std::string(start == std::string_view::npos ? message : message.substr(start + 2));
}

template <typename J>
Expected<J> parse(std::string_view text, std::string_view what, DuplicateKeys duplicate_keys) {
  Guard guard{duplicate_keys, {}, {}};
  try {
    J value = J::parse(text.begin(), text.end(), [&](int depth, typename J::parse_event_t event, J& parsed) {
      return guard.template operator()<J>(depth, event, parsed);
    });
    if (!guard.refusal.empty()) return fail(ErrorCode::kCorrupt, "{}: JSON {}", what, guard.refusal);
    return value;
  } catch (const std::exception& error) {
    if (!guard.refusal.empty()) return fail(ErrorCode::kCorrupt, "{}: JSON {}", what, guard.refusal);
    return fail(ErrorCode::kCorrupt, "{}: not valid JSON: {}", what, clean(error.what()));
  }
}

template <typename J>
std::string dump(const J& value, JsonTextOptions options) {
  return value.dump(options.indent, ' ', options.non_ascii == JsonTextOptions::NonAscii::kEscape,
                    J::error_handler_t::replace);
}

std::string shown(const Json& value) {
  std::string text = json_text(value);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

tl::unexpected<Error> wrong(std::string_view key, std::string_view expected, const Json& found) {
  return fail(ErrorCode::kCorrupt, "field '{}' must be {} but is {}", key, expected, shown(found));
}

tl::unexpected<Error> missing(std::string_view key) { return fail(ErrorCode::kNotFound, "field '{}' is missing", key); }

}  // namespace

Expected<Json> parse_json(std::string_view text, std::string_view what, DuplicateKeys duplicate_keys) {
  return parse<Json>(text, what, duplicate_keys);
}

Expected<OrderedJson> parse_ordered_json(std::string_view text, std::string_view what) {
  return parse<OrderedJson>(text, what, DuplicateKeys::kAllow);
}

std::string json_text(const Json& value, JsonTextOptions options) { return dump(value, options); }

std::string json_text(const OrderedJson& value, JsonTextOptions options) { return dump(value, options); }

const Json* json_find(const Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto it = object.find(key);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

Expected<std::int64_t> json_int(const Json& object, std::string_view key, IntRange range,
                                std::optional<std::int64_t> fallback) {
  const Json* value = json_find(object, key);
  if (!value) return fallback ? Expected<std::int64_t>(*fallback) : missing(key);
  const std::string expected = fmt::format("an integer from {} to {}", range.min, range.max);
  std::int64_t number = 0;
  if (value->is_number_unsigned()) {
    const auto wide = value->get<std::uint64_t>();
    if (wide > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      return wrong(key, expected, *value);
    }
    number = static_cast<std::int64_t>(wide);
  } else if (value->is_number_integer()) {
    number = value->get<std::int64_t>();
  } else if (value->is_number_float()) {  // some writers put 1e6 or 1000000.0 for a whole number
    const double real = value->get<double>();
    if (!(std::abs(real) <= 0x1p53) || std::trunc(real) != real) return wrong(key, expected, *value);
    number = static_cast<std::int64_t>(real);
  } else {
    return wrong(key, expected, *value);
  }
  if (number < range.min || number > range.max) return wrong(key, expected, *value);
  return number;
}

Expected<double> json_number(const Json& object, std::string_view key, std::optional<double> fallback) {
  const Json* value = json_find(object, key);
  if (!value) return fallback ? Expected<double>(*fallback) : missing(key);
  if (!value->is_number() || !std::isfinite(value->get<double>())) return wrong(key, "a finite number", *value);
  return value->get<double>();
}

Expected<bool> json_bool(const Json& object, std::string_view key, std::optional<bool> fallback) {
  const Json* value = json_find(object, key);
  if (!value) return fallback ? Expected<bool>(*fallback) : missing(key);
  if (!value->is_boolean()) return wrong(key, "true or false", *value);
  return value->get<bool>();
}

Expected<std::string> json_string(const Json& object, std::string_view key, std::optional<std::string> fallback) {
  const Json* value = json_find(object, key);
  if (!value) return fallback ? Expected<std::string>(*fallback) : missing(key);
  if (!value->is_string()) return wrong(key, "a string", *value);
  return value->get<std::string>();
}

}  // namespace retort
