#include "text/jinja/context.h"

#include <algorithm>

#include "text/jinja/compare.h"
#include "text/jinja/functions.h"
#include "text/jinja/text_of.h"
#include "text/jinja/unicode.h"

namespace retort::jinja {

Value new_list(Context& cx, std::span<const Value> items) {
  Value v;
  v.kind = Kind::kList;
  v.list = cx.heap.make<List>(cx.heap.copy_array(items.data(), items.size()), items.size());
  return v;
}

Value new_tuple(Context& cx, std::span<const Value> items) {
  Value v = new_list(cx, items);
  v.kind = Kind::kTuple;
  return v;
}

Value new_text(Context& cx, std::string_view text) { return of_text(cx.heap.copy(text)); }

Value new_iterator(Context& cx, std::string_view type_name, std::span<const Value> items, std::string_view failure) {
  auto* iterator = cx.heap.make<Iterator>();
  iterator->kind = ObjectKind::kIterator;
  iterator->type_name = type_name;
  iterator->items = {cx.heap.copy_array(items.data(), items.size()), items.size()};
  iterator->failure = cx.heap.copy(failure);
  return of_object(iterator);
}

namespace {

Value undefined(Context& cx, const UndefinedInfo& info) {
  Value v;
  v.kind = Kind::kUndefined;
  v.undefined = cx.heap.make<UndefinedInfo>(info);
  return v;
}

std::string object_type_repr(const Value& value) {
  if (value.is(Kind::kNone)) return "None";
  if (object_as<Namespace>(value, ObjectKind::kNamespace) != nullptr) return "jinja2.utils.Namespace object";
  return fmt::format("{} object", type_name(value));
}

}  // namespace

Value undefined_hint(Context& cx, std::string_view hint) { return undefined(cx, {cx.heap.copy(hint), {}, {}, false}); }
Value undefined_name(Context& cx, std::string_view name) { return undefined(cx, {{}, {}, of_text(name), false}); }
Value undefined_member(Context& cx, const Value& object, const Value& name) {
  return undefined(cx, {{}, object, name, false});
}
Value undefined_unsafe(Context& cx, const Value& object, std::string_view name) {
  return undefined(cx, {{}, object, of_text(name), true});
}

std::string undefined_message(Context& cx, const Value& value) {
  const UndefinedInfo& info = *value.undefined;
  if (!info.hint.empty()) return std::string(info.hint);
  if (info.unsafe) {
    return fmt::format("access to attribute {} of '{}' object is unsafe.", repr_of(cx, info.name),
                       type_name(info.object));
  }
  if (info.object.is_missing()) return fmt::format("{} is undefined", repr_of(cx, info.name));
  if (!info.name.is_string()) {
    return fmt::format("{} has no element {}", object_type_repr(info.object), repr_of(cx, info.name));
  }
  return fmt::format("'{}' has no attribute {}", object_type_repr(info.object), repr_of(cx, info.name));
}

void fail_undefined(Context& cx, const Value& value) { fault("{}", undefined_message(cx, value)); }

namespace {

// Below this many entries a dict is searched from front to back.
constexpr std::size_t kIndexFrom = 9;

bool key_equals(Context& cx, const Value& a, const Value& b) {
  // NaN is found by identity, which no template can see; equality is enough.
  return equals(cx, a, b);
}

// The entry with this key, or where in the index it belongs.
struct Probe {
  const Dict::Entry* entry;
  std::size_t slot;
};
Probe probe(Context& cx, const Dict& dict, const Value& key, std::uint64_t hash) {
  if (dict.index_size == 0) {
    for (const auto& entry : dict.span()) {
      if (entry.hash == hash && key_equals(cx, entry.key, key)) return {&entry, 0};
    }
    return {nullptr, 0};
  }
  std::size_t slot = hash & (dict.index_size - 1);
  for (; dict.index[slot] != 0; slot = (slot + 1) & (dict.index_size - 1)) {
    const Dict::Entry& entry = dict.entries[dict.index[slot] - 1];
    if (entry.hash == hash && key_equals(cx, entry.key, key)) return {&entry, slot};
    cx.step();
  }
  return {nullptr, slot};
}

}  // namespace

void DictBuilder::set(const Value& key, const Value& value) {
  const std::uint64_t hash = hash_of(cx_, key);
  const Dict view{entries_.data(), entries_.size(), index_.empty() ? nullptr : index_.data(), index_.size()};
  const Probe found = probe(cx_, view, key, hash);
  if (found.entry != nullptr) {
    entries_[found.entry - entries_.data()].value = value;
    return;
  }
  cx_.heap.require(entries_.size() + 1, sizeof(Dict::Entry));
  entries_.push_back({key, value, hash});
  if (!index_.empty()) index_[found.slot] = static_cast<std::uint32_t>(entries_.size());
  if (entries_.size() >= kIndexFrom && 2 * entries_.size() > index_.size()) reindex(4 * entries_.size());
}

void DictBuilder::reindex(std::size_t size) {
  std::size_t power = 32;
  while (power < size) power *= 2;
  cx_.heap.require(power, sizeof(std::uint32_t));
  index_.assign(power, 0);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    std::size_t slot = entries_[i].hash & (power - 1);
    while (index_[slot] != 0) slot = (slot + 1) & (power - 1);
    index_[slot] = static_cast<std::uint32_t>(i + 1);
  }
}

Value DictBuilder::finish() {
  auto* dict = cx_.heap.make<Dict>();
  dict->entries = cx_.heap.copy_array(entries_.data(), entries_.size());
  dict->size = entries_.size();
  if (!index_.empty()) {
    dict->index = cx_.heap.copy_array(index_.data(), index_.size());
    dict->index_size = index_.size();
  }
  Value v;
  v.kind = Kind::kDict;
  v.dict = dict;
  return v;
}

const Value* dict_find(Context& cx, const Dict& dict, const Value& key) {
  const Probe found = probe(cx, dict, key, hash_of(cx, key));
  return found.entry == nullptr ? nullptr : &found.entry->value;
}

const Value* dict_find(Context& cx, const Dict& dict, std::string_view key) {
  return dict_find(cx, dict, of_text(key));
}

namespace {

std::span<const Value> items_of(Context& cx, const std::vector<Value>& items) {
  return {cx.heap.copy_array(items.data(), items.size()), items.size()};
}

std::span<const Value> chars_of(Context& cx, const Value& text) {
  std::vector<Value> items;
  const std::string_view all = text.text();
  for (std::size_t i = 0; i < all.size();) {
    cx.step();
    const std::size_t bytes = char_bytes(all.substr(i));
    items.push_back(of_text(all.substr(i, bytes)));
    i += bytes;
  }
  return items_of(cx, items);
}

std::span<const Value> view_items(Context& cx, const Dict& dict, ViewKind view) {
  std::vector<Value> items;
  items.reserve(dict.size);
  cx.step(dict.size);
  for (const auto& entry : dict.span()) {
    if (view == ViewKind::kItems) {
      const Value pair[] = {entry.key, entry.value};
      items.push_back(new_tuple(cx, pair));
    } else {
      items.push_back(view == ViewKind::kKeys ? entry.key : entry.value);
    }
  }
  return items_of(cx, items);
}

}  // namespace

bool is_iterable(const Value& value) {
  switch (value.kind) {
    case Kind::kUndefined:
    case Kind::kString:
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kDict:
      return true;
    case Kind::kObject:
      switch (value.object->kind) {
        case ObjectKind::kRange:
        case ObjectKind::kIterator:
        case ObjectKind::kDictView:
        case ObjectKind::kLoop:
          return true;
        default:
          return false;
      }
    default:
      return false;
  }
}

std::span<const Value> iterate(Context& cx, const Value& value) {
  switch (value.kind) {
    case Kind::kUndefined:
      if (value.undefined->unsafe) fail_undefined(cx, value);
      return {};
    case Kind::kString:
      return chars_of(cx, value);
    case Kind::kList:
    case Kind::kTuple:
      return value.list->span();
    case Kind::kDict:
      return view_items(cx, *value.dict, ViewKind::kKeys);
    case Kind::kObject:
      break;
    default:
      fault("'{}' object is not iterable", type_name(value));
  }
  switch (value.object->kind) {
    case ObjectKind::kRange: {
      const auto& range = *static_cast<const Range*>(value.object);
      cx.step(range.size);
      cx.heap.require(range.size, sizeof(Value));
      std::vector<Value> items;
      items.reserve(range.size);
      for (std::size_t i = 0; i < range.size; ++i) items.push_back(of_int(range.at(i)));
      return items_of(cx, items);
    }
    case ObjectKind::kIterator: {
      auto& iterator = *static_cast<Iterator*>(value.object);
      if (!iterator.failure.empty()) fault("{}", iterator.failure);
      const auto rest = iterator.items.subspan(iterator.next);
      iterator.next = iterator.items.size();
      cx.step(rest.size());
      return rest;
    }
    case ObjectKind::kDictView: {
      const auto& view = *static_cast<const DictView*>(value.object);
      return view_items(cx, *view.dict, view.view);
    }
    default:
      fault("'{}' object is not iterable", type_name(value));
  }
}

std::optional<std::size_t> length_of(Context& cx, const Value& value) {
  switch (value.kind) {
    case Kind::kUndefined:
      return 0;
    case Kind::kString:
      cx.scan(value.size);
      return count_chars(value.text());
    case Kind::kList:
    case Kind::kTuple:
      return value.list->size;
    case Kind::kDict:
      return value.dict->size;
    case Kind::kObject:
      if (const auto* range = object_as<Range>(value, ObjectKind::kRange)) return range->size;
      if (const auto* view = object_as<DictView>(value, ObjectKind::kDictView)) return view->dict->size;
      if (value.object->kind == ObjectKind::kLoop) return loop_length(cx, value);
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

bool truthy(Context& cx, const Value& value) {
  switch (value.kind) {
    case Kind::kMissing:
    case Kind::kUndefined:
    case Kind::kNone:
      return false;
    case Kind::kBool:
      return value.boolean;
    case Kind::kInt:
      return value.integer != 0;
    case Kind::kBigInt:
      return true;
    case Kind::kFloat:
      return value.real != 0.0;
    case Kind::kString:
      return value.size > 0;
    default:
      break;
  }
  const auto length = length_of(cx, value);
  return !length || *length > 0;
}

std::string_view type_name(const Value& value) {
  switch (value.kind) {
    case Kind::kMissing:
    case Kind::kUndefined:
      return "Undefined";
    case Kind::kNone:
      return "NoneType";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
    case Kind::kBigInt:
      return "int";
    case Kind::kFloat:
      return "float";
    case Kind::kString:
      return value.markup ? "Markup" : "str";
    case Kind::kList:
      return "list";
    case Kind::kTuple:
      return "tuple";
    case Kind::kDict:
      return "dict";
    case Kind::kObject:
      break;
  }
  switch (value.object->kind) {
    case ObjectKind::kRange:
      return "range";
    case ObjectKind::kIterator:
      return static_cast<const Iterator*>(value.object)->type_name;
    case ObjectKind::kDictView: {
      constexpr std::string_view kNames[] = {"dict_keys", "dict_values", "dict_items"};
      return kNames[static_cast<int>(static_cast<const DictView*>(value.object)->view)];
    }
    case ObjectKind::kNamespace:
      return "Namespace";
    case ObjectKind::kMacro:
      return "Macro";
    case ObjectKind::kFunction:
      return "function";
    case ObjectKind::kMethod:
      return "builtin_function_or_method";
    case ObjectKind::kLoop:
      return "LoopContext";
    case ObjectKind::kCycler:
      return "Cycler";
    case ObjectKind::kJoiner:
      return "Joiner";
  }
  return "object";
}

}  // namespace retort::jinja
