// What a template computes with: Python's values as far as templates can make them.
//
// A Value is small and trivially copyable; what it points to lives in the rendering's Heap, in the template (its
// constants) or in the request, all of which outlive it. Strings, lists, tuples and dicts never change; only
// namespaces, iterators, loops, cyclers and joiners do.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "text/jinja/heap.h"

namespace retort::jinja {

class Context;
struct Value;
struct List;
struct Dict;
struct Object;
struct UndefinedInfo;

enum class Kind : std::uint8_t {
  kMissing,    ///< no value at all: never seen by a template
  kUndefined,  ///< jinja2's Undefined
  kNone,
  kBool,
  kInt,     ///< 64 bits; arithmetic beyond them is an error
  kBigInt,  ///< from a request, INT64_MAX < value <= UINT64_MAX: printed and compared, not computed with
  kFloat,
  kString,
  kList,
  kTuple,
  kDict,
  kObject,  ///< all others
};

struct Value {
  Kind kind = Kind::kMissing;
  bool markup = false;  ///< of a string: markupsafe's Markup, which `safe` and `escape` make
  std::uint8_t reserved[6] = {};
  union {
    bool boolean;
    std::int64_t integer = 0;
    std::uint64_t big;
    double real;
    const char* chars;
    const List* list;
    const Dict* dict;
    Object* object;
    const UndefinedInfo* undefined;
  };
  std::size_t size = 0;  ///< bytes of a string

  [[nodiscard]] bool is(Kind k) const { return kind == k; }
  [[nodiscard]] bool is_string() const { return kind == Kind::kString; }
  [[nodiscard]] bool is_undefined() const { return kind == Kind::kUndefined; }
  [[nodiscard]] bool is_missing() const { return kind == Kind::kMissing; }
  /// int or bool, which counts as one in Python
  [[nodiscard]] bool is_integral() const { return kind == Kind::kInt || kind == Kind::kBool; }
  [[nodiscard]] std::int64_t integral() const { return kind == Kind::kBool ? (boolean ? 1 : 0) : integer; }
  [[nodiscard]] std::string_view text() const { return {chars, size}; }
};

inline Value none() {
  Value v;
  v.kind = Kind::kNone;
  return v;
}
inline Value of_bool(bool b) {
  Value v;
  v.kind = Kind::kBool;
  v.boolean = b;
  return v;
}
inline Value of_int(std::int64_t i) {
  Value v;
  v.kind = Kind::kInt;
  v.integer = i;
  return v;
}
inline Value of_size(std::size_t n) { return of_int(static_cast<std::int64_t>(n)); }
inline Value of_big(std::uint64_t u) {
  Value v;
  v.kind = Kind::kBigInt;
  v.big = u;
  return v;
}
inline Value of_float(double d) {
  Value v;
  v.kind = Kind::kFloat;
  v.real = d;
  return v;
}
/// A view: `text` must outlive the value.
inline Value of_text(std::string_view text) {
  Value v;
  v.kind = Kind::kString;
  v.chars = text.data();
  v.size = text.size();
  return v;
}
inline Value of_markup(std::string_view text) {
  Value v = of_text(text);
  v.markup = true;
  return v;
}

struct List {
  const Value* items = nullptr;
  std::size_t size = 0;
  bool grouped = false;  ///< a tuple that groupby made: .grouper and .list name its two items
  [[nodiscard]] std::span<const Value> span() const { return {items, size}; }
};

/// In order of insertion. Built by DictBuilder.
struct Dict {
  struct Entry {
    Value key;
    Value value;
    std::uint64_t hash;
  };
  const Entry* entries = nullptr;
  std::size_t size = 0;
  const std::uint32_t* index = nullptr;  ///< open addressing, entry number + 1; only where there are many entries
  std::size_t index_size = 0;            ///< a power of two
  [[nodiscard]] std::span<const Entry> span() const { return {entries, size}; }
};

/// Why a value is undefined; the message is made when someone needs it.
struct UndefinedInfo {
  std::string_view hint;  ///< the whole message, if not empty
  Value object;           ///< whose attribute or element was asked for; missing: a variable
  Value name;
  bool unsafe = false;  ///< an attribute that the sandbox withholds
};

enum class ObjectKind : std::uint8_t {
  kRange,
  kIterator,
  kDictView,
  kNamespace,
  kMacro,
  kFunction,
  kMethod,
  kLoop,
  kCycler,
  kJoiner,
};

struct Object {
  ObjectKind kind;
};

struct Range : Object {
  std::int64_t start = 0;
  std::int64_t stop = 0;
  std::int64_t step = 1;
  std::size_t size = 0;
  [[nodiscard]] std::int64_t at(std::size_t i) const { return start + static_cast<std::int64_t>(i) * step; }
};

/// Python's generators and iterators: each item is given once. The items are computed when it is made; where that
/// failed, what failed is told only when someone comes to that item.
struct Iterator : Object {
  std::string_view type_name;  ///< "generator", "list_reverseiterator"
  std::span<const Value> items;
  std::size_t next = 0;
  std::string_view failure;  ///< behind the last item; empty: the end
};

enum class ViewKind : std::uint8_t { kKeys, kValues, kItems };
struct DictView : Object {
  ViewKind view = ViewKind::kKeys;
  const Dict* dict = nullptr;
};

struct Namespace : Object {
  struct Entry {
    std::string_view name;
    Value value;
  };
  HeapVector<Entry> entries;
};

struct Cycler : Object {
  std::span<const Value> items;
  std::size_t next = 0;
};

struct Joiner : Object {
  Value separator;
  bool used = false;
};

inline Value of_object(Object* object) {
  Value v;
  v.kind = Kind::kObject;
  v.object = object;
  return v;
}
template <typename T>
T* object_as(const Value& value, ObjectKind kind) {
  return value.kind == Kind::kObject && value.object->kind == kind ? static_cast<T*>(value.object) : nullptr;
}

/// "str", "dict", "NoneType", ...: as Python names the type.
std::string_view type_name(const Value& value);

}  // namespace retort::jinja
