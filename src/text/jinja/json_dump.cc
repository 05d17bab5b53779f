// Python's json.dumps, which tojson is.
#include <algorithm>
#include <cmath>

#include "text/jinja/compare.h"
#include "text/jinja/filters.h"
#include "text/jinja/text_of.h"
#include "text/jinja/unicode.h"

namespace retort::jinja {
namespace {

struct Style {
  bool ascii_only = false;
  bool indented = false;
  std::string_view indent;
  std::string_view item_separator = ", ";
  std::string_view key_separator = ": ";
  bool sort_keys = false;
};

class Dumper {
 public:
  Dumper(Context& cx, const Style& style) : cx_(cx), style_(style), out_(cx) {}

  Value run(const Value& value) {
    dump(value, 0);
    return out_.value();
  }

 private:
  void dump(const Value& value, std::size_t level) {
    cx_.step();
    const Context::Deeper deeper(cx_);
    switch (value.kind) {
      case Kind::kNone:
        return out_.add("null");
      case Kind::kBool:
        return out_.add(value.boolean ? "true" : "false");
      case Kind::kInt:
        return out_.add(fmt::format("{}", value.integer));
      case Kind::kBigInt:
        return out_.add(fmt::format("{}", value.big));
      case Kind::kFloat:
        return out_.add(real(value.real));
      case Kind::kString:
        return text(value.text());
      case Kind::kList:
      case Kind::kTuple:
        return list(value.list->span(), level);
      case Kind::kDict:
        return dict(*value.dict, level);
      default:
        fault("Object of type {} is not JSON serializable", type_name(value));
    }
  }

  static std::string real(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
    return float_text(value);
  }

  void new_line(std::size_t level) {
    if (!style_.indented) return;
    out_.add("\n");
    out_.fill(level, style_.indent);
  }

  void list(std::span<const Value> items, std::size_t level) {
    if (items.empty()) return out_.add("[]");
    out_.add("[");
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_.add(style_.item_separator);
      new_line(level + 1);
      dump(items[i], level + 1);
    }
    new_line(level);
    out_.add("]");
  }

  void dict(const Dict& dict, std::size_t level) {
    if (dict.size == 0) return out_.add("{}");
    std::vector<std::size_t> order(dict.size);
    for (std::size_t i = 0; i < dict.size; ++i) order[i] = i;
    if (style_.sort_keys) {
      std::vector<Value> keys;
      for (const auto& entry : dict.span()) keys.push_back(entry.key);
      order = sorted_order(cx_, keys, Direction::kAscending);
    }
    out_.add("{");
    for (std::size_t i = 0; i < dict.size; ++i) {
      if (i > 0) out_.add(style_.item_separator);
      new_line(level + 1);
      key(dict.entries[order[i]].key);
      out_.add(style_.key_separator);
      dump(dict.entries[order[i]].value, level + 1);
    }
    new_line(level);
    out_.add("}");
  }

  void key(const Value& key) {
    switch (key.kind) {
      case Kind::kString:
        return text(key.text());
      case Kind::kNone:
        return out_.add("\"null\"");
      case Kind::kBool:
        return out_.add(key.boolean ? "\"true\"" : "\"false\"");
      case Kind::kFloat:
        return out_.add(fmt::format("\"{}\"", real(key.real)));
      case Kind::kInt:
      case Kind::kBigInt:
        return out_.add(fmt::format("\"{}\"", text_of(cx_, key)));
      default:
        fault("keys must be str, int, float, bool or None, not {}", type_name(key));
    }
  }

  void text(std::string_view text) {
    out_.add("\"");
    std::size_t plain = 0;
    for (std::size_t i = 0; i < text.size();) {
      const auto byte = static_cast<unsigned char>(text[i]);
      const bool special = byte < 0x20 || byte == '"' || byte == '\\' || (style_.ascii_only && byte >= 0x80);
      if (!special) {
        ++i;
        continue;
      }
      out_.add(text.substr(plain, i - plain));
      const std::string_view rest = text.substr(i);
      escape(code_point(rest));
      i += char_bytes(rest);
      plain = i;
    }
    out_.add(text.substr(plain));
    out_.add("\"");
  }

  void escape(char32_t c) {
    cx_.step();
    switch (c) {
      case '"':
        return out_.add("\\\"");
      case '\\':
        return out_.add("\\\\");
      case '\n':
        return out_.add("\\n");
      case '\r':
        return out_.add("\\r");
      case '\t':
        return out_.add("\\t");
      case '\b':
        return out_.add("\\b");
      case '\f':
        return out_.add("\\f");
      default:
        break;
    }
    if (c >= 0x10000) {
      const auto offset = static_cast<unsigned>(c - 0x10000);
      return out_.add(fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (offset >> 10), 0xDC00 + (offset & 0x3FF)));
    }
    out_.add(fmt::format("\\u{:04x}", static_cast<unsigned>(c)));
  }

  Context& cx_;
  Style style_;
  TextBuilder out_;
};

}  // namespace

Value to_json(Context& cx, const Value& input, const Args& args) {
  const auto [ascii, indent, separators, sort_keys] =
      bind("tojson", args, {"ensure_ascii", "indent", "separators", "sort_keys"});
  Style style;
  style.ascii_only = bool_arg(cx, ascii, false);
  style.sort_keys = bool_arg(cx, sort_keys, false);
  if (!indent.is_missing() && !indent.is(Kind::kNone)) {
    style.indented = true;
    style.item_separator = ",";
    if (indent.is_string()) {
      style.indent = indent.text();
    } else {
      const std::int64_t width = std::max<std::int64_t>(0, int_arg(cx, indent, "indent"));
      TextBuilder blanks(cx);
      blanks.fill(static_cast<std::size_t>(width), " ");
      style.indent = blanks.value().text();
    }
  }
  if (!separators.is_missing() && !separators.is(Kind::kNone)) {
    const auto pair = iterate(cx, separators);
    if (pair.size() != 2) fault("separators must be a pair (between items, behind keys)");
    style.item_separator = text_arg(cx, pair[0], "the separator between items");
    style.key_separator = text_arg(cx, pair[1], "the separator behind keys");
  }
  return Dumper(cx, style).run(input);
}

}  // namespace retort::jinja
