// str() and repr(): values as text.
#pragma once

#include <string>

#include "text/jinja/context.h"

namespace retort::jinja {

/// str(value): what printing it gives. A string stays the value it is.
Value to_text(Context& cx, const Value& value);
/// The same as a view that lives as long as the heap.
std::string_view text_of(Context& cx, const Value& value);
/// repr(value)
std::string repr_of(Context& cx, const Value& value);
void append_repr(Context& cx, TextBuilder& out, const Value& value);
/// repr of a float: the shortest text that reads back the same, "1.0", "1e+16", "inf"
std::string float_text(double value);

}  // namespace retort::jinja
