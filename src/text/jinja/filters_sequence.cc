// Filters over the items of something: in order, in groups, summed up.
#include <algorithm>

#include "text/jinja/access.h"
#include "text/jinja/arithmetic.h"
#include "text/jinja/compare.h"
#include "text/jinja/filters.h"
#include "text/jinja/text_of.h"
#include "text/jinja/unicode.h"

namespace retort::jinja {
namespace {

Value fold_case(Context& cx, const Value& value) {
  if (!value.is_string()) return value;
  cx.heap.require(value.size, 3);
  cx.scan(8 * value.size);
  return new_text(cx, to_lower(value.text()));
}

Value key_of(Context& cx, const Value& item, const AttributePath& path, bool case_sensitive) {
  cx.step();
  const Value key = path.of(cx, item);
  return case_sensitive ? key : fold_case(cx, key);
}

Value join(Context& cx, const Value& input, const Args& args) {
  const auto [separator, attribute] = bind("join", args, {"d", "attribute"});
  const std::string_view between = separator.is_missing() ? "" : text_of(cx, separator);
  const AttributePath path(cx, attribute);
  TextBuilder out(cx);
  bool first = true;
  for (const Value& item : iterate(cx, input)) {
    cx.step();
    if (!first) out.add(between);
    first = false;
    out.add(text_of(cx, path.of(cx, item)));
  }
  return out.value();
}

Value list(Context& cx, const Value& input, const Args& args) {
  args.none("list");
  return new_list(cx, iterate(cx, input));
}

Value first(Context& cx, const Value& input, const Args& args) {
  args.none("first");
  if (auto* iterator = object_as<Iterator>(input, ObjectKind::kIterator)) {
    if (iterator->next < iterator->items.size()) return iterator->items[iterator->next++];
    if (!iterator->failure.empty()) fault("{}", iterator->failure);
  } else if (input.is_string() && input.size > 0) {
    return of_text(input.text().substr(0, char_bytes(input.text())));
  } else {
    const auto items = iterate(cx, input);
    if (!items.empty()) return items.front();
  }
  return undefined_hint(cx, "No first item, sequence was empty.");
}

// reversed(): not of a generator.
bool reversible(const Value& value) {
  return is_iterable(value) && !value.is_undefined() && object_as<Iterator>(value, ObjectKind::kIterator) == nullptr &&
         !(value.is(Kind::kObject) && value.object->kind == ObjectKind::kLoop);
}

Value last(Context& cx, const Value& input, const Args& args) {
  args.none("last");
  if (input.is_undefined()) return undefined_hint(cx, "No last item, sequence was empty.");
  if (!reversible(input)) fault("'{}' object is not reversible", type_name(input));
  if (input.is_string()) {
    const std::int64_t length = static_cast<std::int64_t>(*length_of(cx, input));
    if (length > 0) return get_item(cx, input, of_int(length - 1));
  }
  const auto items = iterate(cx, input);
  return items.empty() ? undefined_hint(cx, "No last item, sequence was empty.") : items.back();
}

Value reverse(Context& cx, const Value& input, const Args& args) {
  args.none("reverse");
  if (input.is_string()) return get_slice(cx, input, none(), none(), of_int(-1));
  const bool lazily = reversible(input) || input.is_undefined();
  if (!is_iterable(input)) fault("argument must be iterable");
  const auto items = iterate(cx, input);
  cx.step(items.size());
  cx.heap.require(items.size(), sizeof(Value));
  const std::vector<Value> reversed(items.rbegin(), items.rend());
  return lazily ? new_iterator(cx, "list_reverseiterator", reversed) : new_list(cx, reversed);
}

Value picked(Context& cx, std::span<const Value> items, std::span<const std::size_t> order) {
  cx.heap.require(order.size(), sizeof(Value));
  std::vector<Value> result;
  result.reserve(order.size());
  for (const std::size_t i : order) result.push_back(items[i]);
  return new_list(cx, result);
}

Direction direction_arg(Context& cx, const Value& reverse) {
  return bool_arg(cx, reverse, false) ? Direction::kDescending : Direction::kAscending;
}

Value sort(Context& cx, const Value& input, const Args& args) {
  const auto [reverse, case_sensitive, attribute] = bind("sort", args, {"reverse", "case_sensitive", "attribute"});
  std::vector<AttributePath> paths;
  if (attribute.is_string()) {
    // "a,b": by a, then by b.
    std::string_view rest = attribute.text();
    for (;;) {
      const auto comma = rest.find(',');
      cx.step();
      paths.emplace_back(cx, of_text(rest.substr(0, comma)));
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  } else {
    paths.emplace_back(cx, attribute);
  }
  const bool exact = bool_arg(cx, case_sensitive, false);
  const auto items = iterate(cx, input);
  std::vector<Value> keys;
  for (const Value& item : items) {
    std::vector<Value> parts;
    parts.reserve(paths.size());
    for (const auto& path : paths) parts.push_back(key_of(cx, item, path, exact));
    keys.push_back(new_list(cx, parts));
  }
  return picked(cx, items, sorted_order(cx, keys, direction_arg(cx, reverse)));
}

Value dictsort(Context& cx, const Value& input, const Args& args) {
  const auto [case_sensitive, by, reverse] = bind("dictsort", args, {"case_sensitive", "by", "reverse"});
  const std::string_view which = by.is_missing() ? "key" : text_of(cx, by);
  if (which != "key" && which != "value") fault("You can only sort by either \"key\" or \"value\"");
  if (input.is_undefined()) fail_undefined(cx, input);
  if (!input.is(Kind::kDict)) fault("'{}' object has no attribute 'items'", type_name(input));
  const bool exact = bool_arg(cx, case_sensitive, false);
  std::vector<Value> items;
  std::vector<Value> keys;
  for (const auto& entry : input.dict->span()) {
    cx.step();
    const Value pair[] = {entry.key, entry.value};
    items.push_back(new_tuple(cx, pair));
    const Value& key = which == "key" ? entry.key : entry.value;
    keys.push_back(exact ? key : fold_case(cx, key));
  }
  return picked(cx, items, sorted_order(cx, keys, direction_arg(cx, reverse)));
}

Value groupby(Context& cx, const Value& input, const Args& args) {
  const auto [attribute, fallback, case_sensitive] =
      bind("groupby", args, {"attribute", "default", "case_sensitive"}, 1);
  const AttributePath path(cx, attribute);
  const bool exact = bool_arg(cx, case_sensitive, false);
  const auto items = iterate(cx, input);
  std::vector<Value> keys;
  for (const Value& item : items) {
    cx.step();
    const Value key = path.of(cx, item, fallback);
    keys.push_back(exact ? key : fold_case(cx, key));
  }
  const auto order = sorted_order(cx, keys, Direction::kAscending);
  std::vector<Value> groups;
  for (std::size_t i = 0; i < order.size();) {
    std::vector<Value> members;
    const std::size_t start = i;
    while (i < order.size() && equals(cx, keys[order[start]], keys[order[i]])) members.push_back(items[order[i++]]);
    const Value key = exact ? keys[order[start]] : path.of(cx, members.front(), fallback);
    const Value pair[] = {key, new_list(cx, members)};
    Value group = new_tuple(cx, pair);
    auto* named = cx.heap.make<List>(*group.list);
    named->grouped = true;
    group.list = named;
    groups.push_back(group);
    if (i == start) fault("groupby: a key differs from itself");
  }
  return new_list(cx, groups);
}

Value unique(Context& cx, const Value& input, const Args& args) {
  const auto [case_sensitive, attribute] = bind("unique", args, {"case_sensitive", "attribute"});
  if (const Value failing = not_iterable(cx, input); !failing.is_missing()) return failing;
  const AttributePath path(cx, attribute);
  const bool exact = bool_arg(cx, case_sensitive, false);
  DictBuilder seen(cx);
  std::vector<Value> kept;
  std::size_t count = 0;
  for (const Value& item : iterate(cx, input)) {
    seen.set(key_of(cx, item, path, exact), none());
    if (seen.size() > count) kept.push_back(item);
    count = seen.size();
  }
  return new_iterator(cx, "generator", kept);
}

template <Order kBetter>
Value extreme(Context& cx, const Value& input, const Args& args) {
  const auto [case_sensitive, attribute] = bind("min or max", args, {"case_sensitive", "attribute"});
  const AttributePath path(cx, attribute);
  const bool exact = bool_arg(cx, case_sensitive, false);
  const auto items = iterate(cx, input);
  if (items.empty()) return undefined_hint(cx, "No aggregated item, sequence was empty.");
  Value best = items.front();
  Value best_key = key_of(cx, best, path, exact);
  for (const Value& item : items.subspan(1)) {
    const Value key = key_of(cx, item, path, exact);
    if (!ordered(cx, key, best_key, kBetter)) continue;
    best = item;
    best_key = key;
  }
  return best;
}

Value sum(Context& cx, const Value& input, const Args& args) {
  const auto [attribute, start] = bind("sum", args, {"attribute", "start"});
  const AttributePath path(cx, attribute);
  Value total = start.is_missing() ? of_int(0) : start;
  if (total.is_string()) fault("sum() can't sum strings [use ''.join(seq) instead]");
  for (const Value& item : iterate(cx, input)) total = binary(cx, BinaryOp::kAdd, total, path.of(cx, item));
  return total;
}

Value batch(Context& cx, const Value& input, const Args& args) {
  const auto [linecount, fill] = bind("batch", args, {"linecount", "fill_with"}, 1);
  if (const Value failing = not_iterable(cx, input); !failing.is_missing()) return failing;
  const std::int64_t size = int_arg(cx, linecount, "linecount");
  std::vector<Value> lines;
  std::vector<Value> line;
  for (const Value& item : iterate(cx, input)) {
    cx.step();
    if (static_cast<std::int64_t>(line.size()) == size) {
      lines.push_back(new_list(cx, line));
      line.clear();
    }
    line.push_back(item);
  }
  if (!line.empty()) {
    const bool fills = !fill.is_missing() && !fill.is(Kind::kNone);
    if (fills && size > static_cast<std::int64_t>(line.size())) {
      cx.heap.require(static_cast<std::size_t>(size), sizeof(Value));
      line.resize(static_cast<std::size_t>(size), fill);
    }
    lines.push_back(new_list(cx, line));
  }
  return new_iterator(cx, "generator", lines);
}

Value slice(Context& cx, const Value& input, const Args& args) {
  const auto [slices, fill] = bind("slice", args, {"slices", "fill_with"}, 1);
  if (const Value failing = not_iterable(cx, input); !failing.is_missing()) return failing;
  const std::int64_t count = int_arg(cx, slices, "slices");
  const auto items = iterate(cx, input);
  if (count == 0) return new_iterator(cx, "generator", {}, "integer division or modulo by zero");
  std::vector<Value> parts;
  const auto size = static_cast<std::int64_t>(items.size());
  std::int64_t offset = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    cx.step();
    cx.heap.require(static_cast<std::size_t>(i) + 1, sizeof(Value));
    const std::int64_t start = offset + i * (size / count);
    if (i < size % count) ++offset;
    const std::int64_t end = offset + (i + 1) * (size / count);
    const auto part = items.subspan(static_cast<std::size_t>(start), static_cast<std::size_t>(end - start));
    std::vector<Value> line(part.begin(), part.end());
    if (!fill.is_missing() && !fill.is(Kind::kNone) && i >= size % count) line.push_back(fill);
    parts.push_back(new_list(cx, line));
  }
  return new_iterator(cx, "generator", parts);
}

Value items(Context& cx, const Value& input, const Args& args) {
  args.none("items");
  if (input.is_undefined()) return new_iterator(cx, "generator", {});
  if (!input.is(Kind::kDict)) return new_iterator(cx, "generator", {}, "Can only get item pairs from a mapping.");
  std::vector<Value> pairs;
  for (const auto& entry : input.dict->span()) {
    cx.step();
    const Value pair[] = {entry.key, entry.value};
    pairs.push_back(new_tuple(cx, pair));
  }
  return new_iterator(cx, "generator", pairs);
}

constexpr FilterSpec kFilters[] = {
    {"join", join},
    {"list", list},
    {"items", items},
    {"first", first},
    {"last", last},
    {"reverse", reverse},
    {"sort", sort},
    {"dictsort", dictsort},
    {"groupby", groupby},
    {"unique", unique},
    {"min", extreme<Order::kLess>},
    {"max", extreme<Order::kGreater>},
    {"sum", sum},
    {"batch", batch},
    {"slice", slice},
};

}  // namespace

std::span<const FilterSpec> sequence_filters() { return kFilters; }

AttributePath::AttributePath(Context& cx, const Value& attribute) {
  if (attribute.is_missing() || attribute.is(Kind::kNone)) return;
  if (!attribute.is_string()) {
    parts_.push_back(attribute);
    return;
  }
  std::string_view rest = attribute.text();
  for (;;) {
    cx.step();
    const auto dot = rest.find('.');
    const std::string_view part = rest.substr(0, dot);
    const bool digits =
        !part.empty() && part.size() < 19 && part.find_first_not_of("0123456789") == std::string_view::npos;
    std::int64_t number = 0;
    if (digits) {
      for (const char c : part) number = number * 10 + (c - '0');
    }
    parts_.push_back(digits ? of_int(number) : of_text(part));
    if (dot == std::string_view::npos) return;
    rest.remove_prefix(dot + 1);
  }
}

Value AttributePath::of(Context& cx, Value value, const Value& fallback) const {
  for (const Value& part : parts_) {
    cx.step();
    value = get_item(cx, value, part);
    if (value.is_undefined() && !fallback.is_missing() && !fallback.is(Kind::kNone)) value = fallback;
  }
  return value;
}

}  // namespace retort::jinja
