#include "grade/code/output_compare.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <fmt/format.h>
#include <vector>

namespace retort::grade {
namespace {

constexpr std::string_view kBlanks = " \t\r\n\v\f";
constexpr std::size_t kShown = 80;  // characters of a line in a message

std::string_view stripped(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

// Cuts the first line off `rest`.
std::string_view next_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return stripped(line);
}

std::string_view next_token(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(kBlanks), rest.size()));
  const std::string_view token = rest.substr(0, std::min(rest.find_first_of(kBlanks), rest.size()));
  rest.remove_prefix(token.size());
  return token;
}

// A decimal as sign, digits without zeros at either end, and the power of ten of the first digit. Zero has no digits.
struct Decimal {
  bool valid = false;
  bool negative = false;
  std::string digits;
  std::int64_t power = 0;
  friend bool operator==(const Decimal&, const Decimal&) = default;
};

Decimal parse_decimal(std::string_view text) {
  Decimal number;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    number.negative = text[0] == '-';
    text.remove_prefix(1);
  }
  std::int64_t exponent = 0;
  if (const std::size_t e = text.find_first_of("eE"); e != std::string_view::npos) {
    std::string_view power = text.substr(e + 1);
    if (power.starts_with('+') && !power.starts_with("+-")) power.remove_prefix(1);
    const auto parsed = std::from_chars(power.data(), power.data() + power.size(), exponent);
    constexpr std::int64_t kMost = 1'000'000'000;
    if (parsed.ec != std::errc() || parsed.ptr != power.data() + power.size() || std::abs(exponent) > kMost) return {};
    text = text.substr(0, e);
  }
  const std::size_t point = std::min(text.find('.'), text.size());
  number.digits.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == point) continue;
    if (text[i] < '0' || text[i] > '9') return {};
    number.digits += text[i];
  }
  if (number.digits.empty()) return {};
  number.valid = true;
  number.power = static_cast<std::int64_t>(point) + exponent;
  const std::size_t first = number.digits.find_first_not_of('0');
  if (first == std::string::npos) return {.valid = true};
  number.digits.erase(0, first);
  number.power -= static_cast<std::int64_t>(first);
  number.digits.erase(number.digits.find_last_not_of('0') + 1);
  return number;
}

bool within(std::string_view a, std::string_view b, double tolerance) {
  double x = 0;
  double y = 0;
  const auto parse = [](std::string_view text, double& value) {
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && std::isfinite(value);
  };
  if (!parse(a, x) || !parse(b, y)) return false;
  return std::abs(x - y) <= tolerance * std::max(1.0, std::abs(y));
}

bool same_line(std::string_view found, std::string_view expected, double tolerance) {
  if (found == expected) return true;
  for (;;) {
    const std::string_view a = next_token(found);
    const std::string_view b = next_token(expected);
    if (a.empty() || b.empty()) return a.empty() && b.empty();
    if (a == b || same_decimal(a, b) || (tolerance > 0 && within(a, b, tolerance))) continue;
    return false;
  }
}

std::string shown(std::string_view line) {
  if (line.size() <= kShown) return std::string(line);
  return fmt::format("{}... ({} bytes)", line.substr(0, kShown), line.size());
}

}  // namespace

bool same_decimal(std::string_view a, std::string_view b) {
  const Decimal x = parse_decimal(a);
  return x.valid && x == parse_decimal(b);
}

std::optional<std::string> output_difference(std::string_view found, std::string_view expected, double tolerance) {
  found = stripped(found);
  expected = stripped(expected);
  for (std::size_t line = 1; !found.empty() || !expected.empty(); ++line) {
    if (found.empty())
      return fmt::format("line {}: expected '{}' but the output ends", line, shown(next_line(expected)));
    if (expected.empty()) return fmt::format("line {}: expected the end but found '{}'", line, shown(next_line(found)));
    const std::string_view a = next_line(found);
    const std::string_view b = next_line(expected);
    if (!same_line(a, b, tolerance))
      return fmt::format("line {}: expected '{}' but found '{}'", line, shown(b), shown(a));
  }
  return std::nullopt;
}

}  // namespace retort::grade
