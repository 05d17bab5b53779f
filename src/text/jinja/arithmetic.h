// + - * / // % ** and the unary signs, as Python defines them for numbers, texts and lists.
#pragma once

#include "text/jinja/context.h"

namespace retort::jinja {

enum class BinaryOp { kAdd, kSubtract, kMultiply, kDivide, kFloorDivide, kModulo, kPower };

Value binary(Context& cx, BinaryOp op, const Value& a, const Value& b);
Value negate(Context& cx, const Value& value);
Value plus(Context& cx, const Value& value);
/// A number as a double; int or bool too.
double to_double(const Value& value);
bool is_number(const Value& value);

}  // namespace retort::jinja
