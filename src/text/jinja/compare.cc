#include "text/jinja/compare.h"

#include <cmath>
#include <cstring>
#include <functional>
#include <numeric>

#include "text/jinja/text_search.h"

namespace retort::jinja {
namespace {

bool is_number(const Value& v) { return v.is_integral() || v.is(Kind::kBigInt) || v.is(Kind::kFloat); }

__extension__ typedef __int128 Wide;  // holds every kInt and kBigInt
Wide wide(const Value& v) { return v.is(Kind::kBigInt) ? static_cast<Wide>(v.big) : static_cast<Wide>(v.integral()); }

// -1, 0, 1; 2 if one of them is NaN. Exact also where a double cannot hold the integer.
int compare_numbers(const Value& a, const Value& b) {
  const bool a_real = a.is(Kind::kFloat);
  const bool b_real = b.is(Kind::kFloat);
  if (!a_real && !b_real) return wide(a) < wide(b) ? -1 : wide(a) > wide(b) ? 1 : 0;
  if (a_real && b_real) return std::isnan(a.real) || std::isnan(b.real) ? 2 : a.real < b.real ? -1 : a.real > b.real;
  if (b_real) {
    const int flipped = compare_numbers(b, a);
    return flipped == 2 ? 2 : -flipped;
  }
  if (std::isnan(a.real)) return 2;
  if (a.real >= 0x1p64) return 1;
  if (a.real < -0x1p63) return -1;
  const auto whole = static_cast<Wide>(std::floor(a.real));
  if (whole != wide(b)) return whole < wide(b) ? -1 : 1;
  return std::floor(a.real) < a.real ? 1 : 0;
}

bool equal_items(Context& cx, std::span<const Value> a, std::span<const Value> b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!equals(cx, a[i], b[i])) return false;
  }
  return true;
}

bool equal_dicts(Context& cx, const Dict& a, const Dict& b) {
  if (a.size != b.size) return false;
  for (const auto& entry : a.span()) {
    const Value* other = dict_find(cx, b, entry.key);
    if (other == nullptr || !equals(cx, entry.value, *other)) return false;
  }
  return true;
}

bool equal_ranges(const Range& a, const Range& b) {
  if (a.size != b.size) return false;
  if (a.size == 0) return true;
  return a.start == b.start && (a.size == 1 || a.step == b.step);
}

// The order of sequences is that of the first items that differ.
bool ordered_items(Context& cx, std::span<const Value> a, std::span<const Value> b, Order order) {
  const std::size_t common = std::min(a.size(), b.size());
  for (std::size_t i = 0; i < common; ++i) {
    if (!equals(cx, a[i], b[i])) return ordered(cx, a[i], b[i], order);
  }
  return ordered(cx, of_size(a.size()), of_size(b.size()), order);
}

bool holds(int sign, Order order) {
  switch (order) {
    case Order::kLess:
      return sign < 0;
    case Order::kLessEqual:
      return sign <= 0;
    case Order::kGreater:
      return sign > 0 && sign != 2;
    case Order::kGreaterEqual:
      return sign >= 0 && sign != 2;
  }
  return false;
}

}  // namespace

bool equals(Context& cx, const Value& a, const Value& b) {
  cx.step();
  if (is_number(a) && is_number(b)) return compare_numbers(a, b) == 0;
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case Kind::kMissing:
    case Kind::kUndefined:
    case Kind::kNone:
      return true;
    case Kind::kString:
      if (a.size != b.size) return false;
      cx.scan(a.size);
      return a.text() == b.text();
    case Kind::kList:
    case Kind::kTuple: {
      if (a.list == b.list) return true;
      const Context::Deeper deeper(cx);
      return equal_items(cx, a.list->span(), b.list->span());
    }
    case Kind::kDict: {
      if (a.dict == b.dict) return true;
      const Context::Deeper deeper(cx);
      return equal_dicts(cx, *a.dict, *b.dict);
    }
    case Kind::kObject: {
      const auto* left = object_as<Range>(a, ObjectKind::kRange);
      const auto* right = object_as<Range>(b, ObjectKind::kRange);
      if (left != nullptr && right != nullptr) return equal_ranges(*left, *right);
      return a.object == b.object;
    }
    default:
      return false;
  }
}

bool ordered(Context& cx, const Value& a, const Value& b, Order order) {
  cx.step();
  if (a.is_undefined()) fail_undefined(cx, a);
  if (b.is_undefined()) fail_undefined(cx, b);
  if (is_number(a) && is_number(b)) {
    const int sign = compare_numbers(a, b);
    return sign != 2 && holds(sign, order);
  }
  if (a.is_string() && b.is_string()) {
    cx.scan(std::min(a.size, b.size));
    // The order of UTF-8's bytes is that of the code points.
    const int sign = a.text().compare(b.text());
    return holds(sign < 0 ? -1 : sign > 0 ? 1 : 0, order);
  }
  if (a.kind == b.kind && (a.is(Kind::kList) || a.is(Kind::kTuple))) {
    const Context::Deeper deeper(cx);
    return ordered_items(cx, a.list->span(), b.list->span(), order);
  }
  constexpr std::string_view kSymbols[] = {"<", "<=", ">", ">="};
  fault("'{}' not supported between instances of '{}' and '{}'", kSymbols[static_cast<int>(order)], type_name(a),
        type_name(b));
}

bool contains(Context& cx, const Value& container, const Value& item) {
  switch (container.kind) {
    case Kind::kString:
      if (!item.is_string()) {
        if (item.is_undefined()) fail_undefined(cx, item);
        fault("'in <string>' requires string as left operand, not {}", type_name(item));
      }
      cx.scan(container.size);
      return find_text(cx, container.text(), item.text(), 0) != std::string_view::npos;
    case Kind::kDict:
      return dict_find(cx, *container.dict, item) != nullptr;
    case Kind::kObject:
      if (const auto* view = object_as<DictView>(container, ObjectKind::kDictView)) {
        if (view->view == ViewKind::kKeys) return dict_find(cx, *view->dict, item) != nullptr;
      }
      if (auto* iterator = object_as<Iterator>(container, ObjectKind::kIterator)) {
        while (iterator->next < iterator->items.size()) {
          if (equals(cx, iterator->items[iterator->next++], item)) return true;
        }
        if (!iterator->failure.empty()) fault("{}", iterator->failure);
        return false;
      }
      break;
    default:
      break;
  }
  if (!is_iterable(container)) fault("argument of type '{}' is not iterable", type_name(container));
  for (const Value& candidate : iterate(cx, container)) {
    if (equals(cx, candidate, item)) return true;
  }
  return false;
}

std::uint64_t hash_of(Context& cx, const Value& value) {
  cx.step();
  switch (value.kind) {
    case Kind::kMissing:
    case Kind::kUndefined:
      return 1;
    case Kind::kNone:
      return 2;
    case Kind::kBool:
    case Kind::kInt:
      return std::hash<std::int64_t>()(value.integral()) * 0x9E3779B97F4A7C15U;
    case Kind::kBigInt:
      return value.big * 0x9E3779B97F4A7C15U;
    case Kind::kFloat:
      if (std::floor(value.real) == value.real && value.real >= -0x1p63 && value.real < 0x1p63) {
        return hash_of(cx, of_int(static_cast<std::int64_t>(value.real)));
      }
      if (std::floor(value.real) == value.real && value.real >= 0x1p63 && value.real < 0x1p64) {
        return hash_of(cx, of_big(static_cast<std::uint64_t>(value.real)));
      }
      return std::hash<double>()(value.real) * 0x9E3779B97F4A7C15U;
    case Kind::kString:
      cx.scan(value.size);
      return std::hash<std::string_view>()(value.text());
    case Kind::kTuple: {
      const Context::Deeper deeper(cx);
      std::uint64_t hash = 0x345678;
      for (const Value& item : value.list->span()) hash = (hash ^ hash_of(cx, item)) * 0x100000001B3U + 0x9E37;
      return hash;
    }
    case Kind::kObject:
      if (value.object->kind == ObjectKind::kDictView &&
          static_cast<const DictView*>(value.object)->view != ViewKind::kValues)
        break;
      return std::hash<const void*>()(value.object);
    default:
      break;
  }
  fault("unhashable type: '{}'", type_name(value));
}

std::vector<std::size_t> sorted_order(Context& cx, std::span<const Value> keys, Direction direction) {
  // Bottom-up merges: stable, n log n comparisons at most, and at ease with keys that have no order (NaN).
  std::vector<std::size_t> from(keys.size());
  std::iota(from.begin(), from.end(), std::size_t{0});
  std::vector<std::size_t> to(keys.size());
  const auto before = [&](std::size_t a, std::size_t b) {
    return direction == Direction::kAscending ? ordered(cx, keys[a], keys[b], Order::kLess)
                                              : ordered(cx, keys[b], keys[a], Order::kLess);
  };
  for (std::size_t width = 1; width < keys.size(); width *= 2) {
    for (std::size_t start = 0; start < keys.size(); start += 2 * width) {
      const std::size_t middle = std::min(start + width, keys.size());
      const std::size_t end = std::min(start + 2 * width, keys.size());
      std::size_t left = start;
      std::size_t right = middle;
      for (std::size_t out = start; out < end; ++out) {
        const bool take_right = left == middle || (right < end && before(from[right], from[left]));
        to[out] = take_right ? from[right++] : from[left++];
      }
    }
    std::swap(from, to);
  }
  return from;
}

}  // namespace retort::jinja
