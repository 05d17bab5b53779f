#include "text/jinja/text_of.h"

#include <cmath>

#include "text/jinja/functions.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/unicode.h"

namespace retort::jinja {
namespace {

void append_string_repr(Context& cx, TextBuilder& out, std::string_view text) {
  const bool double_quoted = text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos;
  const char quote = double_quoted ? '"' : '\'';
  std::string quoted(1, quote);
  cx.heap.require(text.size());
  cx.scan(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::string_view rest = text.substr(i);
    const std::size_t bytes = char_bytes(rest);
    const char32_t c = code_point(rest);
    if (c == static_cast<char32_t>(quote) || c == '\\') {
      quoted += '\\';
      quoted += static_cast<char>(c);
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (c == '\r') {
      quoted += "\\r";
    } else if (c == '\t') {
      quoted += "\\t";
    } else if (is_printable(c)) {
      quoted += rest.substr(0, bytes);
    } else if (c < 0x100) {
      quoted += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    } else if (c < 0x10000) {
      quoted += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      quoted += fmt::format("\\U{:08x}", static_cast<unsigned>(c));
    }
    i += bytes;
  }
  quoted += quote;
  out.add(quoted);
}

void append_items(Context& cx, TextBuilder& out, std::span<const Value> items) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out.add(", ");
    append_repr(cx, out, items[i]);
  }
}

void append_dict(Context& cx, TextBuilder& out, const Dict& dict) {
  out.add('{');
  for (std::size_t i = 0; i < dict.size; ++i) {
    if (i > 0) out.add(", ");
    append_repr(cx, out, dict.entries[i].key);
    out.add(": ");
    append_repr(cx, out, dict.entries[i].value);
  }
  out.add('}');
}

void append_view(Context& cx, TextBuilder& out, const DictView& view) {
  constexpr std::string_view kNames[] = {"dict_keys([", "dict_values([", "dict_items(["};
  out.add(kNames[static_cast<int>(view.view)]);
  for (std::size_t i = 0; i < view.dict->size; ++i) {
    const auto& entry = view.dict->entries[i];
    if (i > 0) out.add(", ");
    if (view.view == ViewKind::kItems) out.add('(');
    if (view.view != ViewKind::kValues) append_repr(cx, out, entry.key);
    if (view.view == ViewKind::kItems) out.add(", ");
    if (view.view != ViewKind::kKeys) append_repr(cx, out, entry.value);
    if (view.view == ViewKind::kItems) out.add(')');
  }
  out.add("])");
}

// Python prints addresses for what has no text of its own; here the type has to do.
void append_object(Context& cx, TextBuilder& out, const Value& value) {
  switch (value.object->kind) {
    case ObjectKind::kRange: {
      const auto& range = *static_cast<const Range*>(value.object);
      out.add(range.step == 1 ? fmt::format("range({}, {})", range.start, range.stop)
                              : fmt::format("range({}, {}, {})", range.start, range.stop, range.step));
      return;
    }
    case ObjectKind::kDictView:
      return append_view(cx, out, *static_cast<const DictView*>(value.object));
    case ObjectKind::kNamespace: {
      const auto& ns = *static_cast<const Namespace*>(value.object);
      out.add("<Namespace {");
      for (std::size_t i = 0; i < ns.entries.size(); ++i) {
        if (i > 0) out.add(", ");
        append_string_repr(cx, out, ns.entries[i].name);
        out.add(": ");
        append_repr(cx, out, ns.entries[i].value);
      }
      out.add("}>");
      return;
    }
    case ObjectKind::kMacro:
      if (macro_name(value).empty()) return out.add("<Macro anonymous>");
      out.add("<Macro ");
      append_string_repr(cx, out, macro_name(value));
      return out.add('>');
    case ObjectKind::kLoop:
      return out.add(loop_repr(cx, value));
    case ObjectKind::kFunction:
      out.add(fmt::format("<function {}>", function_name(value)));
      return;
    default:
      out.add(fmt::format("<{} object>", type_name(value)));
      return;
  }
}

}  // namespace

std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

void append_repr(Context& cx, TextBuilder& out, const Value& value) {
  cx.step();
  const Context::Deeper deeper(cx);
  switch (value.kind) {
    case Kind::kMissing:
    case Kind::kUndefined:
      return out.add("Undefined");
    case Kind::kNone:
      return out.add("None");
    case Kind::kBool:
      return out.add(value.boolean ? "True" : "False");
    case Kind::kInt:
      return out.add(fmt::format("{}", value.integer));
    case Kind::kBigInt:
      return out.add(fmt::format("{}", value.big));
    case Kind::kFloat:
      return out.add(float_text(value.real));
    case Kind::kString:
      if (value.markup) out.add("Markup(");
      append_string_repr(cx, out, value.text());
      if (value.markup) out.add(")");
      return;
    case Kind::kList:
      out.add('[');
      append_items(cx, out, value.list->span());
      return out.add(']');
    case Kind::kTuple:
      out.add('(');
      append_items(cx, out, value.list->span());
      return out.add(value.list->size == 1 ? ",)" : ")");
    case Kind::kDict:
      return append_dict(cx, out, *value.dict);
    case Kind::kObject:
      return append_object(cx, out, value);
  }
}

Value to_text(Context& cx, const Value& value) {
  if (value.is_string()) return value;
  return of_text(text_of(cx, value));
}

std::string_view text_of(Context& cx, const Value& value) {
  switch (value.kind) {
    case Kind::kString:
      return value.text();
    case Kind::kMissing:
    case Kind::kUndefined:
      return {};
    case Kind::kNone:
      return "None";
    case Kind::kBool:
      return value.boolean ? "True" : "False";
    default:
      break;
  }
  TextBuilder out(cx);
  append_repr(cx, out, value);
  return out.value().text();
}

std::string repr_of(Context& cx, const Value& value) {
  TextBuilder out(cx);
  append_repr(cx, out, value);
  return std::string(out.view());
}

}  // namespace retort::jinja
