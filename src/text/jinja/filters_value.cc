// Filters on single values: numbers, defaults, JSON, attributes.
#include <charconv>
#include <cmath>
#include <cstdio>

#include "text/jinja/access.h"
#include "text/jinja/arithmetic.h"
#include "text/jinja/filters.h"
#include "text/jinja/text_of.h"
#include "text/jinja/unicode.h"

namespace retort::jinja {
namespace {

Value length(Context& cx, const Value& input, const Args& args) {
  args.none("length");
  const auto size = length_of(cx, input);
  if (!size) fault("object of type '{}' has no len()", type_name(input));
  return of_size(*size);
}

Value fallback(Context& cx, const Value& input, const Args& args) {
  const auto [value, boolean] = bind("default", args, {"default_value", "boolean"});
  const bool use = input.is_undefined() || (bool_arg(cx, boolean, false) && !truthy(cx, input));
  return !use ? input : value.is_missing() ? of_text("") : value;
}

// Digits with single underscores between them.
bool clean_digits(std::string_view text, std::string& digits) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      digits += text[i];
    } else if (i == 0 || i + 1 == text.size() || text[i + 1] == '_') {
      return false;
    }
  }
  return !digits.empty();
}

// int(text, base); nullopt for Python's ValueError.
std::optional<Value> parse_integer(std::string_view text, std::int64_t base) {
  if (base != 0 && (base < 2 || base > 36)) return std::nullopt;
  text = strip_space(text, Side::kBoth);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const char marker = text.size() > 1 && text[0] == '0' ? static_cast<char>(text[1] | 0x20) : '\0';
  const std::int64_t marked = marker == 'x' ? 16 : marker == 'o' ? 8 : marker == 'b' ? 2 : 0;
  if (marked != 0 && (base == 0 || base == marked)) {
    base = marked;
    text.remove_prefix(2);
    if (text.starts_with('_')) text.remove_prefix(1);
  } else if (base == 0) {
    if (text.size() > 1 && text[0] == '0' && text.find_first_not_of("0_") != std::string_view::npos)
      return std::nullopt;
    base = 10;
  }
  std::string digits;
  if (!clean_digits(text, digits)) return std::nullopt;
  std::uint64_t magnitude = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, static_cast<int>(base));
  if (end != digits.data() + digits.size() || error == std::errc::invalid_argument) return std::nullopt;
  const std::uint64_t limit = static_cast<std::uint64_t>(INT64_MAX) + (negative ? 1 : 0);
  if (error != std::errc{} || magnitude > limit) fault("an integer is beyond 64 bits");
  return of_int(negative ? static_cast<std::int64_t>(0 - magnitude) : static_cast<std::int64_t>(magnitude));
}

// float(text); nullopt for Python's ValueError.
std::optional<double> parse_real(std::string_view text) {
  text = strip_space(text, Side::kBoth);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const std::string lower = to_lower(text.substr(0, 16));
  if (lower == "inf" || lower == "infinity") return negative ? -HUGE_VAL : HUGE_VAL;
  if (lower == "nan") return std::nan("");
  std::string digits;
  if (!clean_digits(text, digits)) return std::nullopt;
  const auto is_digit_char = [](char c) { return c >= '0' && c <= '9'; };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '_' && !(is_digit_char(text[i - 1]) && is_digit_char(text[i + 1]))) return std::nullopt;
  }
  if (!is_digit_char(digits[0]) && digits[0] != '.') return std::nullopt;
  double real = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), real);
  if (end != digits.data() + digits.size() || error == std::errc::invalid_argument) return std::nullopt;
  if (error == std::errc::result_out_of_range) {
    const auto e = digits.find_first_of("eE");
    const bool tiny = e != std::string::npos && e + 1 < digits.size() && digits[e + 1] == '-';
    real = tiny ? 0.0 : HUGE_VAL;
  }
  return negative ? -real : real;
}

Value truncated(double real) {
  if (!(std::fabs(real) < 0x1p63)) fault("cannot convert float {} to integer", float_text(real));
  return of_int(static_cast<std::int64_t>(real));
}

Value to_integer(Context& cx, const Value& input, const Args& args) {
  const auto [given, base] = bind("int", args, {"default", "base"});
  const Value otherwise = given.is_missing() ? of_int(0) : given;
  if (input.is_undefined()) fail_undefined(cx, input);
  if (input.is_integral()) return of_int(input.integral());
  if (input.is(Kind::kBigInt)) return input;
  if (input.is(Kind::kFloat)) return std::isnan(input.real) ? otherwise : truncated(input.real);
  if (!input.is_string()) return otherwise;
  cx.scan(8 * input.size);
  if (const auto integer = parse_integer(input.text(), int_arg(cx, base, "base", 10))) return *integer;
  const auto real = parse_real(input.text());
  return real && std::isfinite(*real) ? truncated(*real) : otherwise;
}

Value to_real(Context& cx, const Value& input, const Args& args) {
  const auto [given] = bind("float", args, {"default"});
  const Value otherwise = given.is_missing() ? of_float(0.0) : given;
  if (input.is_undefined()) fail_undefined(cx, input);
  if (is_number(input)) return of_float(to_double(input));
  if (!input.is_string()) return otherwise;
  cx.scan(8 * input.size);
  const auto real = parse_real(input.text());
  return real ? of_float(*real) : otherwise;
}

Value absolute(Context& cx, const Value& input, const Args& args) {
  args.none("abs");
  if (input.is_undefined()) fail_undefined(cx, input);
  if (input.is(Kind::kFloat)) return of_float(std::fabs(input.real));
  if (input.is(Kind::kBigInt)) return input;
  if (!input.is_integral()) fault("bad operand type for abs(): '{}'", type_name(input));
  return input.integral() < 0 ? negate(cx, input) : of_int(input.integral());
}

// The nearest with `digits` decimals, ties to even: of the exact binary value, as printf does it.
double round_real(double value, std::int64_t digits) {
  if (!std::isfinite(value) || digits > 323) return value;
  if (digits < -308) return std::copysign(0.0, value);
  if (digits < 0) {
    const double unit = std::pow(10.0, static_cast<double>(-digits));
    return std::nearbyint(value / unit) * unit;
  }
  char text[700];  // 309 digits, a point, 323 decimals
  const int size = std::snprintf(text, sizeof text, "%.*f", static_cast<int>(digits), value);
  double rounded = 0;
  std::from_chars(text, text + size, rounded);
  return rounded;
}

std::int64_t round_integer(Context& cx, std::int64_t value, std::int64_t digits) {
  if (digits >= 0) return value;
  if (digits < -18) return 0;
  const std::int64_t unit = binary(cx, BinaryOp::kPower, of_int(10), of_int(-digits)).integer;
  const std::int64_t down = binary(cx, BinaryOp::kFloorDivide, of_int(value), of_int(unit)).integer;
  const std::int64_t rest = value - down * unit;
  const bool up = rest > unit - rest || (rest == unit - rest && (down & 1) != 0);
  return binary(cx, BinaryOp::kMultiply, of_int(down + (up ? 1 : 0)), of_int(unit)).integer;
}

Value round(Context& cx, const Value& input, const Args& args) {
  const auto [precision, method] = bind("round", args, {"precision", "method"});
  const std::string_view how = method.is_missing() ? "common" : text_arg(cx, method, "method");
  const std::int64_t digits = int_arg(cx, precision, "precision", 0);
  if (how != "common" && how != "ceil" && how != "floor") fault("method must be common, ceil or floor");
  if (input.is_undefined()) fail_undefined(cx, input);
  if (!is_number(input)) fault("type {} doesn't define __round__ method", type_name(input));
  if (how == "common") {
    if (input.is(Kind::kFloat)) return of_float(round_real(input.real, digits));
    return input.is(Kind::kBigInt) ? input : of_int(round_integer(cx, input.integral(), digits));
  }
  const Value unit = binary(cx, BinaryOp::kPower, of_int(10), of_int(digits));
  const double scaled = to_double(binary(cx, BinaryOp::kMultiply, input, unit));
  const double whole = how == "ceil" ? std::ceil(scaled) : std::floor(scaled);
  if (!std::isfinite(whole)) fault("cannot convert float {} to integer", float_text(whole));
  return binary(cx, BinaryOp::kDivide, of_float(whole), unit);
}

Value attribute(Context& cx, const Value& input, const Args& args) {
  const auto [name] = bind("attr", args, {"name"}, 1);
  const std::string_view text = text_arg(cx, name, "the name of an attribute");
  const Value found = find_attribute(cx, input, text);
  return found.is_missing() ? undefined_member(cx, input, name) : found;
}

constexpr FilterSpec kFilters[] = {
    {"tojson", to_json}, {"length", length}, {"count", length}, {"default", fallback}, {"d", fallback},
    {"int", to_integer}, {"float", to_real}, {"abs", absolute}, {"round", round},      {"attr", attribute},
};

}  // namespace

std::span<const FilterSpec> value_filters() { return kFilters; }

}  // namespace retort::jinja
