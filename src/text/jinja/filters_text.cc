// Filters that give texts.
#include <algorithm>

#include "text/jinja/escape.h"
#include "text/jinja/filters.h"
#include "text/jinja/number_format.h"
#include "text/jinja/split.h"
#include "text/jinja/text_of.h"
#include "text/jinja/unicode.h"

namespace retort::jinja {
namespace {

Value like(const Value& from, std::string_view text) {
  Value v = of_text(text);
  v.markup = from.is_string() && from.markup;
  return v;
}

template <std::string (*kMap)(std::string_view)>
Value mapped(Context& cx, const Value& input, const Args& args) {
  args.none("this filter");
  const std::string_view text = text_of(cx, input);
  cx.heap.require(text.size(), 3);  // a character can become three
  cx.scan(8 * text.size());
  return like(input, cx.heap.copy(kMap(text)));
}

// The filter of this name knows other word beginnings than str.title().
std::string title_words(std::string_view text) {
  std::string out;
  bool beginning = true;
  std::size_t word = 0;
  const auto end_word = [&](std::size_t end) {
    if (!beginning && end > word) {
      const std::string_view item = text.substr(word, end - word);
      const std::size_t first = char_bytes(item);
      out += to_upper(item.substr(0, first));
      out += to_lower(item.substr(first));
    }
  };
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t bytes = char_bytes(text.substr(i));
    const char32_t c = code_point(text.substr(i));
    if (c == '-' || c == '(' || c == '{' || c == '[' || c == '<' || is_space(c)) {
      end_word(i);
      beginning = true;
      out += text.substr(i, bytes);
    } else if (beginning) {
      beginning = false;
      word = i;
    }
    i += bytes;
  }
  end_word(text.size());
  return out;
}

Value trim(Context& cx, const Value& input, const Args& args) {
  const auto [chars] = bind("trim", args, {"chars"});
  const std::string_view text = text_of(cx, input);
  cx.scan(text.size());
  if (chars.is_missing() || chars.is(Kind::kNone)) return like(input, strip_space(text, Side::kBoth));
  const std::string_view set = text_arg(cx, chars, "strip arg");
  cx.scan(16 * set.size());
  return like(input, strip_chars(text, set, Side::kBoth));
}

Value replace(Context& cx, const Value& input, const Args& args) {
  const auto [old, by, count] = bind("replace", args, {"old", "new", "count"}, 2);
  const std::int64_t limit = count.is(Kind::kNone) ? -1 : int_arg(cx, count, "count", -1);
  return of_text(replace_text(cx, text_of(cx, input), text_of(cx, old), text_of(cx, by), limit));
}

Value string(Context& cx, const Value& input, const Args& args) {
  args.none("string");
  return to_text(cx, input);
}

Value safe(Context& cx, const Value& input, const Args& args) {
  args.none("safe");
  return of_markup(text_of(cx, input));
}

Value escape(Context& cx, const Value& input, const Args& args) {
  args.none("escape");
  return escaped(cx, input);
}

Value forceescape(Context& cx, const Value& input, const Args& args) {
  args.none("forceescape");
  return escaped(cx, of_text(text_of(cx, input)));
}

Value indent(Context& cx, const Value& input, const Args& args) {
  const auto [width, first, blank] = bind("indent", args, {"width", "first", "blank"});
  if (input.is_undefined()) fail_undefined(cx, input);
  if (!input.is_string()) fault("unsupported operand type(s) for +=: '{}' and 'str'", type_name(input));
  TextBuilder indention(cx);
  if (width.is_string()) {
    indention.add(width.text());
  } else {
    indention.fill(static_cast<std::size_t>(std::max<std::int64_t>(0, int_arg(cx, width, "width", 4))), " ");
  }
  const std::string_view with_end = cx.heap.concat(input.text(), "\n");
  const auto lines = split_lines(cx, with_end, KeepEnds::kNo);
  const bool blank_too = bool_arg(cx, blank, false);
  TextBuilder out(cx);
  if (bool_arg(cx, first, false)) out.add(indention.view());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) {
      out.add("\n");
      if (blank_too || !lines[i].empty()) out.add(indention.view());
    }
    out.add(lines[i]);
  }
  return like(input, out.value().text());
}

Value truncate(Context& cx, const Value& input, const Args& args) {
  const auto [length_value, killwords, end_value, leeway_value] =
      bind("truncate", args, {"length", "killwords", "end", "leeway"});
  const std::int64_t length = int_arg(cx, length_value, "length", 255);
  const std::string_view end = end_value.is_missing() ? "..." : text_arg(cx, end_value, "end");
  const std::int64_t leeway = leeway_value.is(Kind::kNone) ? 5 : int_arg(cx, leeway_value, "leeway", 5);
  const auto end_length = static_cast<std::int64_t>(count_chars(end));
  if (length < end_length) fault("expected length >= {}, got {}", end_length, length);
  if (leeway < 0) fault("expected leeway >= 0, got {}", leeway);
  const auto size = length_of(cx, input);
  if (!size) fault("object of type '{}' has no len()", type_name(input));
  if (static_cast<std::int64_t>(*size) - leeway <= length) return input;
  if (!input.is_string()) fault("truncate needs a text, not {}", type_name(input));
  std::string_view kept = input.text();
  kept = kept.substr(0, byte_of_char(kept, static_cast<std::size_t>(length - end_length)));
  if (!bool_arg(cx, killwords, false)) {
    const auto space = kept.rfind(' ');
    if (space != std::string_view::npos) kept = kept.substr(0, space);
  }
  return like(input, cx.heap.concat(kept, end));
}

Value center(Context& cx, const Value& input, const Args& args) {
  const auto [width] = bind("center", args, {"width"});
  return like(input, justified(cx, text_of(cx, input), int_arg(cx, width, "width", 80), " ", '^'));
}

Value format(Context& cx, const Value& input, const Args& args) {
  if (!args.positional.empty() && !args.named.empty()) {
    fault("can't handle positional and keyword arguments at the same time");
  }
  if (args.named.empty()) return printf_text(cx, to_text(cx, input), new_tuple(cx, args.positional));
  DictBuilder named(cx);
  for (const auto& [name, value] : args.named) named.set(of_text(name), value);
  return printf_text(cx, to_text(cx, input), named.finish());
}

Value wordcount(Context& cx, const Value& input, const Args& args) {
  args.none("wordcount");
  const std::string_view text = text_of(cx, input);
  cx.scan(4 * text.size());
  std::int64_t count = 0;
  bool in_word = false;
  for (std::size_t i = 0; i < text.size(); i += char_bytes(text.substr(i))) {
    const bool word = is_word(code_point(text.substr(i)));
    count += word && !in_word ? 1 : 0;
    in_word = word;
  }
  return of_int(count);
}

enum class Quoting { kPath, kQuery };
void append_quoted(Context& cx, TextBuilder& out, const Value& value, Quoting quoting) {
  for (const char c : text_of(cx, value)) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                       c == '.' || c == '-' || c == '~' || (c == '/' && quoting == Quoting::kPath);
    if (plain) {
      out.add(c);
    } else if (c == ' ' && quoting == Quoting::kQuery) {
      out.add('+');
    } else {
      out.add(fmt::format("%{:02X}", static_cast<unsigned char>(c)));
    }
    cx.step();
  }
}

Value urlencode(Context& cx, const Value& input, const Args& args) {
  args.none("urlencode");
  TextBuilder out(cx);
  if (input.is_string() || !is_iterable(input)) {
    append_quoted(cx, out, input, Quoting::kPath);
    return out.value();
  }
  const auto add_pair = [&](const Value& key, const Value& value) {
    if (!out.view().empty()) out.add('&');
    append_quoted(cx, out, key, Quoting::kQuery);
    out.add('=');
    append_quoted(cx, out, value, Quoting::kQuery);
  };
  if (input.is(Kind::kDict)) {
    for (const auto& entry : input.dict->span()) add_pair(entry.key, entry.value);
    return out.value();
  }
  for (const Value& item : iterate(cx, input)) {
    const auto pair = iterate(cx, item);
    if (pair.size() != 2) fault("urlencode needs pairs, not {} items", pair.size());
    add_pair(pair[0], pair[1]);
  }
  return out.value();
}

constexpr FilterSpec kFilters[] = {
    {"trim", trim},
    {"string", string},
    {"safe", safe},
    {"upper", mapped<to_upper>},
    {"lower", mapped<to_lower>},
    {"capitalize", mapped<capitalize>},
    {"title", mapped<title_words>},
    {"replace", replace},
    {"indent", indent},
    {"escape", escape},
    {"e", escape},
    {"forceescape", forceescape},
    {"truncate", truncate},
    {"center", center},
    {"format", format},
    {"wordcount", wordcount},
    {"urlencode", urlencode},
};

}  // namespace

std::span<const FilterSpec> text_filters() { return kFilters; }

}  // namespace retort::jinja
