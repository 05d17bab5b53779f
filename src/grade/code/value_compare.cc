#include "grade/code/value_compare.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "core/json.h"

namespace retort::grade {
namespace {

constexpr int kDeepest = 60;  // encoding doubles the depth of objects, and core/json reads no more than 128

// The value behind the only key of a tagged object.
const Json* tagged(const Json& value, const char* tag) {
  if (!value.is_object() || value.size() != 1) return nullptr;
  const auto it = value.find(tag);
  return it == value.end() ? nullptr : &*it;
}

struct Number {
  bool integral = false;  ///< then it is `negative` and `magnitude`
  bool negative = false;
  std::uint64_t magnitude = 0;
  bool large = false;  ///< an integer of more than 64 bits
  double value = 0;
};

Number integer_number(bool negative, std::uint64_t magnitude) {
  const auto value = static_cast<double>(magnitude);
  return {.integral = true,
          .negative = negative && magnitude != 0,
          .magnitude = magnitude,
          .value = negative ? -value : value};
}

// "-0x1f", as Python's hex() writes it.
std::optional<Number> number_of_hex(const std::string& spelled) {
  const bool negative = spelled.starts_with('-');
  const std::string_view digits = std::string_view(spelled).substr(negative ? 1 : 0);
  if (!digits.starts_with("0x") || digits.size() == 2) return std::nullopt;
  std::uint64_t magnitude = 0;
  const auto parsed = std::from_chars(digits.data() + 2, digits.data() + digits.size(), magnitude, 16);
  if (parsed.ptr != digits.data() + digits.size()) return std::nullopt;
  if (parsed.ec == std::errc()) return integer_number(negative, magnitude);
  return Number{.large = true, .value = std::strtod(spelled.c_str(), nullptr)};
}

std::optional<Number> number_of(const Json& value) {
  if (value.is_boolean()) return integer_number(false, value.get<bool>() ? 1 : 0);
  if (value.is_number_unsigned()) return integer_number(false, value.get<std::uint64_t>());
  if (value.is_number_integer()) {
    const auto number = value.get<std::int64_t>();
    return integer_number(number < 0,
                          number < 0 ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number));
  }
  if (value.is_number_float()) return Number{.value = value.get<double>()};
  if (const Json* hex = tagged(value, "i"); hex != nullptr && hex->is_string()) {
    return number_of_hex(hex->get_ref<const std::string&>());
  }
  const Json* text = tagged(value, "f");
  if (text == nullptr || !text->is_string()) return std::nullopt;
  const auto& spelled = text->get_ref<const std::string&>();
  if (spelled == "nan" || spelled == "inf" || spelled == "-inf")
    return Number{.value = std::strtod(spelled.c_str(), nullptr)};
  Number number;
  const auto parsed = std::from_chars(spelled.data(), spelled.data() + spelled.size(), number.value);
  if (parsed.ec != std::errc() || parsed.ptr != spelled.data() + spelled.size()) return std::nullopt;
  return number;
}

bool same_number(const Number& found, const Number& expected, double tolerance) {
  if (found.integral && expected.integral) {
    return found.negative == expected.negative && found.magnitude == expected.magnitude;
  }
  // JSON's own integers end at 64 bits, and become floats: these are as equal as floats can tell.
  if (found.large || expected.large) tolerance = 2 * std::numeric_limits<double>::epsilon();
  if (std::isnan(expected.value)) return std::isnan(found.value);
  if (!std::isfinite(expected.value) || !std::isfinite(found.value)) return found.value == expected.value;
  return std::abs(found.value - expected.value) <= tolerance * std::max(1.0, std::abs(expected.value));
}

bool same_list(const Json& found, const Json& expected, double tolerance) {
  if (!found.is_array() || found.size() != expected.size()) return false;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!value_matches(found[i], expected[i], tolerance)) return false;
  }
  return true;
}

// Keys of JSON are strings, and those of a Python dict may be numbers.
bool same_dict(const Json& pairs, const Json& expected, double tolerance) {
  if (!pairs.is_array() || pairs.size() != expected.size()) return false;
  std::size_t met = 0;
  for (const Json& pair : pairs) {
    if (!pair.is_array() || pair.size() != 2) return false;
    const std::string key = pair[0].is_string() ? pair[0].get<std::string>() : json_text(pair[0]);
    const auto it = expected.find(key);
    if (it == expected.end() || !value_matches(pair[1], *it, tolerance)) return false;
    ++met;
  }
  return met == expected.size();
}

Expected<Json> encoded_within(const Json& value, int depth) {
  if (depth > kDeepest) {
    return fail(ErrorCode::kOutOfRange, "a test's value is nested more than {} deep", kDeepest);
  }
  if (value.is_array()) {
    Json list = Json::array();
    for (const Json& item : value) {
      RETORT_TRY(Json one, encoded_within(item, depth + 1));
      list.push_back(std::move(one));
    }
    return list;
  }
  if (value.is_object()) {
    Json pairs = Json::array();
    for (auto it = value.begin(); it != value.end(); ++it) {
      RETORT_TRY(Json one, encoded_within(it.value(), depth + 1));
      pairs.push_back(Json::array({it.key(), std::move(one)}));
    }
    return Json{{"d", std::move(pairs)}};
  }
  return value;
}

}  // namespace

Expected<Json> encoded_value(const Json& value) { return encoded_within(value, 0); }

bool value_matches(const Json& found, const Json& expected, double tolerance) {
  if (const std::optional<Number> want = number_of(expected)) {
    const std::optional<Number> got = number_of(found);
    return got && same_number(*got, *want, tolerance);
  }
  if (expected.is_array()) {
    const Json* tuple = tagged(found, "t");
    return same_list(tuple != nullptr ? *tuple : found, expected, tolerance);
  }
  if (expected.is_object()) {
    const Json* pairs = tagged(found, "d");
    return pairs != nullptr && same_dict(*pairs, expected, tolerance);
  }
  return found == expected;  // null and strings
}

std::string value_text(const Json& encoded) {
  constexpr std::size_t kMost = 200;
  std::string text = json_text(encoded);
  if (text.size() > kMost) text = text.substr(0, kMost - 3) + "...";
  return text;
}

}  // namespace retort::grade
