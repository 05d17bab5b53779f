// ==, <, in, and the hash that dict keys are found by: as Python defines them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "text/jinja/context.h"

namespace retort::jinja {

bool equals(Context& cx, const Value& a, const Value& b);

enum class Order { kLess, kLessEqual, kGreater, kGreaterEqual };
/// Fault where Python has no order: "'<' not supported between instances of 'str' and 'int'".
bool ordered(Context& cx, const Value& a, const Value& b, Order order);

/// `item in container`; goes through an iterator up to the item.
bool contains(Context& cx, const Value& container, const Value& item);

/// Equal values have equal hashes. Fault for what cannot be a key: "unhashable type: 'list'".
std::uint64_t hash_of(Context& cx, const Value& value);

enum class Direction { kAscending, kDescending };
/// The order in which `keys` are sorted, stable in both directions as Python's sorted() is.
std::vector<std::size_t> sorted_order(Context& cx, std::span<const Value> keys, Direction direction);

}  // namespace retort::jinja
