#include "text/jinja/number_format.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "text/jinja/arithmetic.h"
#include "text/jinja/text_of.h"
#include "text/jinja/unicode.h"

namespace retort::jinja {
namespace {

// Doubles have at most 1,074 digits behind the point; more would be zeros.
constexpr std::int64_t kMaxPrecision = 10'000;

std::string real_digits(double magnitude, const FormatSpec& spec) {
  char type = spec.type;
  const std::int64_t precision = spec.precision < 0 ? 6 : spec.precision;
  if (precision > kMaxPrecision) fault("precision {} is too large", precision);
  if (type == '%') {
    magnitude *= 100;
    type = 'f';
  }
  if (std::isnan(magnitude)) return std::isupper(static_cast<unsigned char>(type)) ? "NAN" : "nan";
  if (std::isinf(magnitude)) return std::isupper(static_cast<unsigned char>(type)) ? "INF" : "inf";
  const std::string format = fmt::format("%{}.{}{}", spec.alternate ? "#" : "", precision, type == 'F' ? 'f' : type);
  const auto print = [&](char* to, std::size_t size) {
    return static_cast<std::size_t>(std::max(0, std::snprintf(to, size, format.c_str(), magnitude)));
  };
  std::string digits(print(nullptr, 0), '\0');
  print(digits.data(), digits.size() + 1);
  if (spec.type == '%') digits += '%';
  return digits;
}

// Without a type a float is shown as str() does, with one and no precision by %g rules that keep ".0".
std::string untyped_real(double magnitude, const FormatSpec& spec) {
  if (spec.precision < 0) return float_text(magnitude);
  FormatSpec general = spec;
  general.type = 'g';
  if (general.precision == 0) general.precision = 1;
  std::string digits = real_digits(magnitude, general);
  if (std::isfinite(magnitude) && digits.find_first_of(".e") == std::string::npos) {
    // 'g' that keeps one digit behind the point where that still fits the precision.
    if (static_cast<std::int64_t>(digits.size()) < general.precision) return digits + ".0";
    general.type = 'e';
    general.precision -= 1;
    std::string scientific = real_digits(magnitude, general);
    const auto e = scientific.find('e');
    std::string mantissa = scientific.substr(0, e);
    if (mantissa.find('.') != std::string::npos) {
      mantissa.erase(mantissa.find_last_not_of('0') + 1);
      if (mantissa.back() == '.') mantissa.pop_back();
    }
    return mantissa + scientific.substr(e);
  }
  return digits;
}

std::string integer_digits(std::uint64_t magnitude, const FormatSpec& spec) {
  switch (spec.type) {
    case 'x':
      return fmt::format("{:x}", magnitude);
    case 'X':
      return fmt::format("{:X}", magnitude);
    case 'o':
      return fmt::format("{:o}", magnitude);
    case 'b':
      return fmt::format("{:b}", magnitude);
    default:
      return fmt::format("{}", magnitude);
  }
}

std::string grouped(const std::string& digits, char separator, std::size_t every) {
  const std::size_t whole = std::min(digits.size(), digits.find_first_not_of("0123456789abcdefABCDEF"));
  std::string out;
  for (std::size_t i = 0; i < whole; ++i) {
    if (i > 0 && (whole - i) % every == 0) out += separator;
    out += digits[i];
  }
  return out + digits.substr(whole);
}

void append_padded(Context& cx, TextBuilder& out, std::string_view sign, std::string_view body, const FormatSpec& spec,
                   char default_align) {
  cx.scan(body.size());
  const std::size_t length = count_chars(sign) + count_chars(body);
  const std::size_t padding = spec.width > length ? spec.width - length : 0;
  const char align = spec.align != 0 ? spec.align : default_align;
  const std::size_t left = align == '>' ? padding : align == '^' ? padding / 2 : 0;
  out.fill(left, spec.fill);
  out.add(sign);
  if (align == '=') out.fill(padding, spec.fill);
  out.add(body);
  if (align != '=') out.fill(padding - left, spec.fill);
}

void append_number(Context& cx, TextBuilder& out, const Value& value, const FormatSpec& spec) {
  constexpr std::string_view kRealTypes = "eEfFgG%";
  constexpr std::string_view kIntegerTypes = "dnbcoxX";
  const bool as_real = value.is(Kind::kFloat) || (spec.type != 0 && kRealTypes.find(spec.type) != std::string::npos);
  bool negative = false;
  std::string digits;
  if (as_real) {
    if (spec.type != 0 && spec.type != 'n' && kRealTypes.find(spec.type) == std::string::npos) {
      fault("Unknown format code '{}' for object of type 'float'", spec.type);
    }
    const double real = to_double(value);
    negative = std::signbit(real) && !std::isnan(real);
    FormatSpec typed = spec;
    if (spec.type == 'n') typed.type = 'g';
    digits = typed.type == 0 ? untyped_real(std::fabs(real), spec) : real_digits(std::fabs(real), typed);
  } else {
    if (spec.type != 0 && kIntegerTypes.find(spec.type) == std::string::npos) {
      fault("Unknown format code '{}' for object of type '{}'", spec.type, type_name(value));
    }
    if (spec.precision >= 0) fault("Precision not allowed in integer format specifier");
    std::uint64_t magnitude = value.is(Kind::kBigInt) ? value.big : static_cast<std::uint64_t>(value.integral());
    if (!value.is(Kind::kBigInt) && value.integral() < 0) {
      negative = true;
      magnitude = 0 - magnitude;
    }
    if (spec.type == 'c') {
      if (negative || magnitude > 0x10FFFF || (magnitude >= 0xD800 && magnitude < 0xE000)) {
        fault("%c arg not in range(0x110000)");
      }
      append_utf8(digits, static_cast<char32_t>(magnitude));
    } else {
      digits = integer_digits(magnitude, spec);
    }
  }
  const bool radix = !as_real && (spec.type == 'x' || spec.type == 'X' || spec.type == 'o' || spec.type == 'b');
  if (spec.grouping != 0) digits = grouped(digits, spec.grouping, radix ? 4 : 3);
  std::string sign = negative ? "-" : spec.sign == '-' ? "" : std::string(1, spec.sign);
  if (spec.alternate && radix) sign += std::string("0") + spec.type;
  append_padded(cx, out, sign, digits, spec, '>');
}

}  // namespace

std::size_t parse_count(std::string_view text, std::size_t& at) {
  std::size_t count = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    count = count * 10 + static_cast<std::size_t>(text[at] - '0');
    if (count > (std::size_t{1} << 31)) fault("a width or precision is too large");
  }
  return count;
}

void append_formatted(Context& cx, TextBuilder& out, const Value& value, const FormatSpec& spec) {
  if (is_number(value)) return append_number(cx, out, value, spec);
  if (value.is_string()) {
    if (spec.type != 0 && spec.type != 's') {
      fault("Unknown format code '{}' for object of type '{}'", spec.type, type_name(value));
    }
    std::string_view text = text_of(cx, value);
    if (spec.precision >= 0) {
      cx.scan(text.size());
      text = text.substr(0, byte_of_char(text, static_cast<std::size_t>(spec.precision)));
    }
    return append_padded(cx, out, "", text, spec, '<');
  }
  fault("unsupported format string passed to {}.__format__", type_name(value));
}

}  // namespace retort::jinja
