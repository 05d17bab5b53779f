// str.format(): "{} {name!r:>{width}} {0[key].attribute}".
#include "text/jinja/access.h"
#include "text/jinja/arithmetic.h"
#include "text/jinja/escape.h"
#include "text/jinja/number_format.h"
#include "text/jinja/text_of.h"
#include "text/jinja/unicode.h"

namespace retort::jinja {
namespace {

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

FormatSpec parse_spec(std::string_view text) {
  FormatSpec spec;
  std::size_t at = 0;
  const auto is_align = [](char c) { return c == '<' || c == '>' || c == '^' || c == '='; };
  const std::size_t first = char_bytes(text);
  if (first < text.size() && first > 0 && is_align(text[first])) {
    spec.fill = text.substr(0, first);
    spec.align = text[first];
    at = first + 1;
  } else if (!text.empty() && is_align(text[0])) {
    spec.align = text[0];
    at = 1;
  }
  const auto take = [&](std::string_view any_of) {
    return at < text.size() && any_of.find(text[at]) != std::string_view::npos ? text[at++] : '\0';
  };
  if (const char sign = take("+- ")) spec.sign = sign;
  spec.alternate = take("#") != 0;
  if (take("0") != 0 && spec.align == 0) {
    spec.fill = "0";
    spec.align = '=';
  }
  spec.width = parse_count(text, at);
  spec.grouping = take(",_");
  if (take(".") != 0) {
    const std::size_t digits = at;
    spec.precision = static_cast<std::int64_t>(parse_count(text, at));
    if (at == digits) fault("Format specifier missing precision");
  }
  if (at < text.size()) spec.type = text[at++];
  if (at != text.size()) fault("Invalid format specifier '{}'", text);
  return spec;
}

class Formatter {
 public:
  Formatter(Context& cx, const Value& format, const Args& args) : cx_(cx), markup_(format.markup), args_(args) {}

  // `depth`: 2 for the format, 1 for a specification in it, which may hold fields again.
  void run(std::string_view format, TextBuilder& out, int depth) {
    if (depth == 0) fault("Max string recursion exceeded");
    cx_.scan(format.size());
    for (std::size_t at = 0; at < format.size();) {
      const char c = format[at];
      if (c != '{' && c != '}') {
        const std::size_t next = std::min(format.find_first_of("{}", at), format.size());
        out.add(format.substr(at, next - at));
        at = next;
      } else if (at + 1 < format.size() && format[at + 1] == c) {
        out.add(c);
        at += 2;
      } else if (c == '}') {
        fault("Single '}}' encountered in format string");
      } else {
        at = field(format, at + 1, out, depth);
      }
    }
  }

 private:
  // A replacement field that begins behind its '{'; returns where it ends.
  std::size_t field(std::string_view format, std::size_t at, TextBuilder& out, int depth) {
    cx_.step();
    std::size_t end = at;
    for (int nesting = 1;; ++end) {
      if (end >= format.size()) fault("expected '}}' before end of string");
      if (format[end] == '{') ++nesting;
      if (format[end] == '}' && --nesting == 0) break;
    }
    const std::string_view all = format.substr(at, end - at);
    std::size_t name_end = 0;
    bool bracket = false;
    for (; name_end < all.size(); ++name_end) {
      if (all[name_end] == '[') bracket = true;
      if (all[name_end] == ']') bracket = false;
      if (!bracket && (all[name_end] == '!' || all[name_end] == ':')) break;
    }
    Value value = look_up(all.substr(0, name_end));
    std::size_t rest = name_end;
    char conversion = 0;
    if (rest < all.size() && all[rest] == '!') {
      if (rest + 1 >= all.size()) fault("end of string while looking for conversion specifier");
      conversion = all[rest + 1];
      rest += 2;
      if (rest < all.size() && all[rest] != ':') fault("expected ':' after conversion specifier");
    }
    if (conversion == 's') {
      value = to_text(cx_, value);
    } else if (conversion == 'r' || conversion == 'a') {
      value = new_text(cx_, repr_of(cx_, value));
    } else if (conversion != 0) {
      fault("Unknown conversion specifier {}", conversion);
    }
    TextBuilder spec(cx_);
    if (rest < all.size()) run(all.substr(rest + 1), spec, depth - 1);
    append(value, spec.view(), out);
    return end + 1;
  }

  void append(const Value& value, std::string_view spec, TextBuilder& out) {
    if (spec.empty()) return out.add(markup_ ? escaped(cx_, value).text() : text_of(cx_, value));
    if (!markup_) return append_formatted(cx_, out, value, parse_spec(spec));
    TextBuilder plain(cx_);
    append_formatted(cx_, plain, value, parse_spec(spec));
    out.add(escaped(cx_, plain.value()).text());
  }

  Value look_up(std::string_view name) {
    const std::size_t first_end = std::min(name.find_first_of(".["), name.size());
    Value value = first(name.substr(0, first_end));
    for (std::size_t at = first_end; at < name.size();) {
      cx_.step();
      if (name[at] == '.') {
        const std::size_t end = std::min(name.find_first_of(".[", at + 1), name.size());
        if (end == at + 1) fault("Empty attribute in format string");
        value = get_attribute(cx_, value, cx_.heap.copy(name.substr(at + 1, end - at - 1)));
        at = end;
      } else if (name[at] == '[') {
        const std::size_t end = name.find(']', at);
        if (end == std::string_view::npos) fault("Missing ']' in format string");
        const std::string_view key = name.substr(at + 1, end - at - 1);
        if (key.empty()) fault("Empty attribute in format string");
        std::size_t digit = 0;
        value = get_item(cx_, value, is_digits(key) ? of_size(parse_count(key, digit)) : new_text(cx_, key));
        at = end + 1;
      } else {
        fault("Only '.' or '[' may follow ']' in format field specifier");
      }
    }
    return value;
  }

  Value first(std::string_view name) {
    if (name.empty() || is_digits(name)) {
      std::size_t at = 0;
      const std::size_t index = name.empty() ? next_++ : parse_count(name, at);
      if (name.empty() ? numbered_ : next_ > 0) {
        fault("cannot switch between automatic field numbering and manual field specification");
      }
      numbered_ = numbered_ || !name.empty();
      if (index >= args_.positional.size()) {
        fault("Replacement index {} out of range for positional args tuple", index);
      }
      return args_.positional[index];
    }
    for (const auto& [key, value] : args_.named) {
      if (key == name) return value;
    }
    fault("KeyError: '{}'", name);
  }

  Context& cx_;
  bool markup_;
  const Args& args_;
  std::size_t next_ = 0;
  bool numbered_ = false;
};

}  // namespace

Value format_text(Context& cx, const Value& format, const Args& args) {
  TextBuilder out(cx);
  Formatter(cx, format, args).run(format.text(), out, 2);
  Value text = out.value();
  text.markup = format.markup;
  return text;
}

}  // namespace retort::jinja
