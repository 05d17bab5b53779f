// Python's methods of str that give another text, a position or parts.
#include <algorithm>

#include "text/jinja/access.h"
#include "text/jinja/escape.h"
#include "text/jinja/number_format.h"
#include "text/jinja/split.h"
#include "text/jinja/text_of.h"
#include "text/jinja/text_search.h"
#include "text/jinja/unicode.h"

namespace retort::jinja {
namespace {

// What a method of Markup gives is Markup.
Value like(const Value& self, std::string_view text) {
  Value v = of_text(text);
  v.markup = self.markup;
  return v;
}
Value like_new(Context& cx, const Value& self, std::string_view text) { return like(self, cx.heap.copy(text)); }

std::string_view in_kind(Context& cx, const Value& self, const Value& argument, std::string_view what) {
  if (self.markup && argument.is_string()) return escaped(cx, argument).text();
  return text_arg(cx, argument, what);
}

template <std::string (*kMap)(std::string_view)>
Value mapped(Context& cx, const Value& self, const Args& args) {
  args.none("a case method");
  cx.heap.require(self.size, 3);  // a character can become three
  cx.scan(8 * self.size);
  return like_new(cx, self, kMap(self.text()));
}

template <Side kSide>
Value strip(Context& cx, const Value& self, const Args& args) {
  const auto [chars] = bind("strip()", args, {"chars"});
  cx.scan(self.size);
  if (chars.is_missing() || chars.is(Kind::kNone)) return like(self, strip_space(self.text(), kSide));
  const std::string_view set = text_arg(cx, chars, "strip arg");
  cx.scan(16 * set.size());
  return like(self, strip_chars(self.text(), set, kSide));
}

template <Side kSide>
Value split(Context& cx, const Value& self, const Args& args) {
  const auto [sep, limit] = bind("split()", args, {"sep", "maxsplit"});
  const std::int64_t maxsplit = int_arg(cx, limit, "maxsplit", -1);
  std::vector<std::string_view> parts;
  if (sep.is_missing() || sep.is(Kind::kNone)) {
    parts = split_space(cx, self.text(), maxsplit, kSide);
  } else {
    parts = split_text(cx, self.text(), text_arg(cx, sep, "separator"), maxsplit, kSide);
  }
  std::vector<Value> values;
  values.reserve(parts.size());
  for (const auto part : parts) values.push_back(like(self, part));
  return new_list(cx, values);
}

Value splitlines(Context& cx, const Value& self, const Args& args) {
  const auto [keepends] = bind("splitlines()", args, {"keepends"});
  std::vector<Value> values;
  for (const auto line : split_lines(cx, self.text(), bool_arg(cx, keepends, false) ? KeepEnds::kYes : KeepEnds::kNo)) {
    values.push_back(like(self, line));
  }
  return new_list(cx, values);
}

template <Side kSide>
Value partition(Context& cx, const Value& self, const Args& args) {
  const auto [sep] = bind("partition()", args, {"sep"}, 1);
  const std::string_view what = text_arg(cx, sep, "separator");
  if (what.empty()) fault("empty separator");
  const std::string_view text = self.text();
  const std::size_t at = kSide == Side::kLeft ? find_text(cx, text, what, 0) : rfind_text(cx, text, what, text.size());
  if (at == std::string_view::npos) {
    const Value whole[] = {self, like(self, {}), like(self, {})};
    const Value reversed[] = {like(self, {}), like(self, {}), self};
    return new_tuple(cx, kSide == Side::kLeft ? std::span<const Value>(whole) : std::span<const Value>(reversed));
  }
  const Value parts[] = {like(self, text.substr(0, at)), like(self, what), like(self, text.substr(at + what.size()))};
  return new_tuple(cx, parts);
}

Value replace(Context& cx, const Value& self, const Args& args) {
  const auto [old, by, count] = bind("replace()", args, {"old", "new", "count"}, 2);
  const std::string_view what = text_arg(cx, old, "replace() argument 1");
  const std::string_view with = in_kind(cx, self, by, "replace() argument 2");
  return like(self, replace_text(cx, self.text(), what, with, int_arg(cx, count, "count", -1)));
}

// The bytes that [start:end] of the arguments selects.
struct Window {
  std::size_t from;
  std::size_t to;
  std::int64_t start;  // in characters
  bool valid;          // start lies within the text
};
Window window(Context& cx, std::string_view text, const Value& start, const Value& end) {
  const auto given = [](const Value& v) { return !v.is_missing() && !v.is(Kind::kNone); };
  if (!given(start) && !given(end)) return {0, text.size(), 0, true};
  cx.scan(3 * text.size());
  const auto length = static_cast<std::int64_t>(count_chars(text));
  const Bounds bounds = clamp_bounds(cx, start, end, length);
  const bool valid = bounds.start <= bounds.stop && !(given(start) && start.integral() > length);
  const std::size_t from = byte_of_char(text, static_cast<std::size_t>(bounds.start));
  const std::size_t to = byte_of_char(text, static_cast<std::size_t>(std::max(bounds.start, bounds.stop)));
  return {from, to, bounds.start, valid};
}

enum class IfAbsent { kMinusOne, kFault };
template <Side kSide, IfAbsent kIfAbsent>
Value find(Context& cx, const Value& self, const Args& args) {
  const auto [sub, start, end] = bind("find()", args, {"sub", "start", "end"}, 1);
  const std::string_view what = text_arg(cx, sub, "the text to find");
  const Window w = window(cx, self.text(), start, end);
  std::size_t at = std::string_view::npos;
  const std::string_view within = self.text().substr(w.from, w.to - w.from);
  if (w.valid) {
    at = kSide == Side::kLeft ? find_text(cx, within, what, 0) : rfind_text(cx, within, what, within.size());
  }
  if (at == std::string_view::npos) {
    if (kIfAbsent == IfAbsent::kFault) fault("substring not found");
    return of_int(-1);
  }
  cx.scan(at);
  return of_int(w.start + static_cast<std::int64_t>(count_chars(within.substr(0, at))));
}

Value count(Context& cx, const Value& self, const Args& args) {
  const auto [sub, start, end] = bind("count()", args, {"sub", "start", "end"}, 1);
  const std::string_view what = text_arg(cx, sub, "the text to count");
  const Window w = window(cx, self.text(), start, end);
  if (!w.valid) return of_int(0);
  const std::string_view within = self.text().substr(w.from, w.to - w.from);
  cx.scan(within.size());
  if (what.empty()) return of_size(count_chars(within) + 1);
  std::int64_t found = 0;
  for (std::size_t at = find_text(cx, within, what, 0); at != std::string_view::npos;
       at = find_text(cx, within, what, at + what.size())) {
    cx.step();
    ++found;
  }
  return of_int(found);
}

template <Side kSide>
Value has_affix(Context& cx, const Value& self, const Args& args) {
  constexpr std::string_view kName = kSide == Side::kLeft ? "startswith" : "endswith";
  const auto [affix, start, end] = bind(kName, args, {"prefix", "start", "end"}, 1);
  const Window w = window(cx, self.text(), start, end);
  const std::string_view within = self.text().substr(w.from, w.to - w.from);
  const auto matches = [&](const Value& value) {
    cx.step();
    if (value.is_undefined()) fail_undefined(cx, value);
    if (!value.is_string()) {
      fault("{} first arg must be str or a tuple of str, not {}", kName, type_name(value));
    }
    cx.scan(value.size);
    return w.valid && (kSide == Side::kLeft ? within.starts_with(value.text()) : within.ends_with(value.text()));
  };
  if (!affix.is(Kind::kTuple)) return of_bool(matches(affix));
  for (const Value& candidate : affix.list->span()) {
    if (matches(candidate)) return of_bool(true);
  }
  return of_bool(false);
}

Value removeprefix(Context& cx, const Value& self, const Args& args) {
  const auto [prefix] = bind("removeprefix()", args, {"prefix"}, 1);
  const std::string_view what = text_arg(cx, prefix, "removeprefix() argument");
  return like(self, self.text().starts_with(what) ? self.text().substr(what.size()) : self.text());
}

Value removesuffix(Context& cx, const Value& self, const Args& args) {
  const auto [suffix] = bind("removesuffix()", args, {"suffix"}, 1);
  const std::string_view what = text_arg(cx, suffix, "removesuffix() argument");
  return like(self, self.text().ends_with(what) ? self.text().substr(0, self.size - what.size()) : self.text());
}

Value join(Context& cx, const Value& self, const Args& args) {
  const auto [items] = bind("join()", args, {"iterable"}, 1);
  TextBuilder out(cx);
  std::size_t i = 0;
  for (const Value& item : iterate(cx, items)) {
    cx.step();
    if (i > 0) out.add(self.text());
    if (self.markup) {
      out.add(escaped(cx, item).text());
    } else {
      if (!item.is_string()) fault("sequence item {}: expected str instance, {} found", i, type_name(item));
      out.add(item.text());
    }
    ++i;
  }
  return like(self, out.value().text());
}

template <char kAlign>
Value justify(Context& cx, const Value& self, const Args& args) {
  const auto [width, fill] = bind("justify", args, {"width", "fillchar"}, 1);
  const std::string_view filler = fill.is_missing() ? " " : in_kind(cx, self, fill, "The fill character");
  if (count_chars(filler) != 1) fault("The fill character must be exactly one character long");
  return like(self, justified(cx, self.text(), int_arg(cx, width, "width"), filler, kAlign));
}

Value zfill(Context& cx, const Value& self, const Args& args) {
  const auto [width] = bind("zfill()", args, {"width"}, 1);
  std::string_view text = self.text();
  TextBuilder out(cx);
  cx.scan(text.size());
  const std::int64_t missing = int_arg(cx, width, "width") - static_cast<std::int64_t>(count_chars(text));
  if (missing <= 0) return self;
  if (text.starts_with('+') || text.starts_with('-')) {
    out.add(text.front());
    text.remove_prefix(1);
  }
  out.fill(static_cast<std::size_t>(missing), "0");
  out.add(text);
  return like(self, out.value().text());
}

Value expandtabs(Context& cx, const Value& self, const Args& args) {
  const auto [tabsize] = bind("expandtabs()", args, {"tabsize"});
  const std::int64_t size = std::max<std::int64_t>(0, int_arg(cx, tabsize, "tabsize", 8));
  TextBuilder out(cx);
  std::int64_t column = 0;
  const std::string_view text = self.text();
  for (std::size_t i = 0; i < text.size();) {
    cx.step();
    const std::size_t bytes = char_bytes(text.substr(i));
    if (text[i] == '\t') {
      const std::int64_t blanks = size > 0 ? size - column % size : 0;
      out.fill(static_cast<std::size_t>(blanks), " ");
      column += blanks;
    } else {
      column = text[i] == '\n' || text[i] == '\r' ? 0 : column + 1;
      out.add(text.substr(i, bytes));
    }
    i += bytes;
  }
  return like(self, out.value().text());
}

std::string fold(std::string_view text) {
  // Lower case, with the sharp s and the ligatures spelled out, is what folding amounts to here.
  std::string folded = to_lower(to_upper(to_lower(text)));
  // A final sigma is a sigma.
  for (std::size_t at = folded.find("\xCF\x82"); at != std::string::npos; at = folded.find("\xCF\x82", at + 2)) {
    folded[at + 1] = '\x83';
  }
  return folded;
}

Value format(Context& cx, const Value& self, const Args& args) { return format_text(cx, self, args); }

Value format_map(Context& cx, const Value& self, const Args& args) {
  const auto [mapping] = bind("format_map()", args, {"mapping"}, 1);
  if (!mapping.is(Kind::kDict)) fault("format_map() needs a dict, not {}", type_name(mapping));
  Args named;
  for (const auto& entry : mapping.dict->span()) {
    if (entry.key.is_string()) named.named.emplace_back(entry.key.text(), entry.value);
  }
  return format_text(cx, self, named);
}

constexpr MethodSpec kMethods[] = {
    {"strip", strip<Side::kBoth>},
    {"split", split<Side::kLeft>},
    {"startswith", has_affix<Side::kLeft>},
    {"endswith", has_affix<Side::kRight>},
    {"lstrip", strip<Side::kLeft>},
    {"rstrip", strip<Side::kRight>},
    {"replace", replace},
    {"join", join},
    {"upper", mapped<to_upper>},
    {"lower", mapped<to_lower>},
    {"title", mapped<title_case>},
    {"capitalize", mapped<capitalize>},
    {"swapcase", mapped<swap_case>},
    {"casefold", mapped<fold>},
    {"rsplit", split<Side::kRight>},
    {"splitlines", splitlines},
    {"partition", partition<Side::kLeft>},
    {"rpartition", partition<Side::kRight>},
    {"find", find<Side::kLeft, IfAbsent::kMinusOne>},
    {"rfind", find<Side::kRight, IfAbsent::kMinusOne>},
    {"index", find<Side::kLeft, IfAbsent::kFault>},
    {"rindex", find<Side::kRight, IfAbsent::kFault>},
    {"count", count},
    {"removeprefix", removeprefix},
    {"removesuffix", removesuffix},
    {"center", justify<'^'>},
    {"ljust", justify<'<'>},
    {"rjust", justify<'>'>},
    {"zfill", zfill},
    {"expandtabs", expandtabs},
    {"format", format},
    {"format_map", format_map},
};

}  // namespace

std::span<const MethodSpec> string_methods() { return kMethods; }

}  // namespace retort::jinja
