// `format % values`.
#include <cmath>

#include "text/jinja/arithmetic.h"
#include "text/jinja/escape.h"
#include "text/jinja/number_format.h"
#include "text/jinja/text_of.h"

namespace retort::jinja {
namespace {

class Printf {
 public:
  Printf(Context& cx, const Value& format, const Value& values)
      : cx_(cx), out_(cx), format_(format.text()), markup_(format.markup), values_(values) {}

  Value run() {
    cx_.scan(format_.size());
    while (at_ < format_.size()) {
      const std::size_t percent = std::min(format_.find('%', at_), format_.size());
      out_.add(format_.substr(at_, percent - at_));
      at_ = percent;
      if (at_ < format_.size()) conversion();
    }
    const bool all_used = values_.is(Kind::kTuple) ? next_ >= values_.list->size
                                                   : next_ > 0 || by_name_ || values_.is(Kind::kDict) ||
                                                         values_.is_undefined() || values_.is(Kind::kList);
    if (!all_used) fault("not all arguments converted during string formatting");
    Value text = out_.value();
    text.markup = markup_;
    return text;
  }

 private:
  char peek() const {
    if (at_ >= format_.size()) fault("incomplete format");
    return format_[at_];
  }

  Value next_value() {
    if (values_.is(Kind::kTuple)) {
      if (next_ >= values_.list->size) fault("not enough arguments for format string");
      return values_.list->items[next_++];
    }
    if (next_++ > 0) fault("not enough arguments for format string");
    return values_;
  }

  std::int64_t star_or_count() {
    if (peek() != '*') return static_cast<std::int64_t>(parse_count(format_, at_));
    ++at_;
    return int_arg(cx_, next_value(), "a * width");
  }

  void conversion() {
    cx_.step();
    ++at_;
    FormatSpec spec;
    Value value;
    if (peek() == '(') {
      const std::size_t close = format_.find(')', at_);
      if (close == std::string_view::npos) fault("incomplete format key");
      if (!values_.is(Kind::kDict)) fault("format requires a mapping");
      const std::string_view name = format_.substr(at_ + 1, close - at_ - 1);
      const Value* found = dict_find(cx_, *values_.dict, name);
      if (found == nullptr) fault("KeyError: '{}'", name);
      value = *found;
      by_name_ = true;
      at_ = close + 1;
    }
    bool zero = false;
    for (;; ++at_) {
      const char flag = peek();
      if (flag == '-') {
        spec.align = '<';
      } else if (flag == '+') {
        spec.sign = '+';
      } else if (flag == ' ') {
        if (spec.sign != '+') spec.sign = ' ';
      } else if (flag == '#') {
        spec.alternate = true;
      } else if (flag == '0') {
        zero = true;
      } else {
        break;
      }
    }
    const std::int64_t width = star_or_count();
    if (width < 0) spec.align = '<';
    if (width < -(std::int64_t{1} << 31) || width > (std::int64_t{1} << 31)) fault("a width is too large");
    spec.width = static_cast<std::size_t>(width < 0 ? -width : width);
    if (peek() == '.') {
      ++at_;
      spec.precision = std::max<std::int64_t>(0, star_or_count());
    }
    while (peek() == 'h' || peek() == 'l' || peek() == 'L') ++at_;
    spec.type = format_[at_++];
    if (spec.type == '%') return out_.add('%');
    if (value.is_missing()) value = next_value();
    append(value, spec, zero);
  }

  void append(const Value& value, FormatSpec& spec, bool zero) {
    if (spec.align == 0) spec.align = '>';
    switch (spec.type) {
      case 's':
      case 'r':
      case 'a': {
        Value text = spec.type == 's' ? to_text(cx_, value) : new_text(cx_, repr_of(cx_, value));
        if (markup_) text = escaped(cx_, spec.type == 's' ? value : text);
        spec.type = 's';
        return append_formatted(cx_, out_, text, spec);
      }
      case 'c':
        if (value.is_string()) {
          if (length_of(cx_, value) != std::size_t{1}) fault("%c requires int or char");
          spec.type = 's';
          spec.precision = -1;
        }
        return append_formatted(cx_, out_, value, spec);
      case 'd':
      case 'i':
      case 'u':
      case 'x':
      case 'X':
      case 'o':
        return append_integer(value, spec, zero);
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
        if (value.is_undefined()) fail_undefined(cx_, value);
        if (!is_number(value)) fault("must be real number, not {}", type_name(value));
        if (zero && spec.align == '>') {
          spec.align = '=';
          spec.fill = "0";
        }
        if (spec.precision == 0 && (spec.type == 'g' || spec.type == 'G')) spec.precision = 1;
        return append_formatted(cx_, out_, value, spec);
      default:
        fault("unsupported format character '{}'", spec.type);
    }
  }

  void append_integer(const Value& value, FormatSpec& spec, bool zero) {
    if (value.is_undefined()) fail_undefined(cx_, value);
    const bool decimal = spec.type == 'd' || spec.type == 'i' || spec.type == 'u';
    Value number = value;
    if (value.is(Kind::kFloat) && decimal) {
      if (!(std::fabs(value.real) < 0x1p63)) fault("cannot convert float {} to integer", float_text(value.real));
      number = of_int(static_cast<std::int64_t>(value.real));
    }
    if (!number.is_integral() && !number.is(Kind::kBigInt)) {
      fault("%{} format: a real number is required, not {}", spec.type, type_name(value));
    }
    if (number.is(Kind::kBool)) number = of_int(number.integral());
    if (decimal) spec.type = 'd';
    if (spec.precision >= 0) fault("a precision of an integer is not supported");
    if (zero && spec.align == '>') {
      spec.align = '=';
      spec.fill = "0";
    }
    append_formatted(cx_, out_, number, spec);
  }

  Context& cx_;
  TextBuilder out_;
  std::string_view format_;
  bool markup_;
  const Value& values_;
  std::size_t at_ = 0;
  std::size_t next_ = 0;
  bool by_name_ = false;
};

}  // namespace

Value printf_text(Context& cx, const Value& format, const Value& values) { return Printf(cx, format, values).run(); }

}  // namespace retort::jinja
