#include "text/jinja/arithmetic.h"

#include <cmath>

#include "text/jinja/escape.h"
#include "text/jinja/number_format.h"
#include "text/jinja/text_of.h"

namespace retort::jinja {
namespace {

constexpr std::string_view kSymbols[] = {"+", "-", "*", "/", "//", "%", "** or pow()"};

[[noreturn]] void unsupported(BinaryOp op, const Value& a, const Value& b) {
  fault("unsupported operand type(s) for {}: '{}' and '{}'", kSymbols[static_cast<int>(op)], type_name(a),
        type_name(b));
}

[[noreturn]] void overflow() { fault("the result is beyond the 64 bits that an integer has here"); }

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  if (a == INT64_MIN && b == -1) overflow();
  const std::int64_t quotient = a / b;
  return quotient - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
}

std::int64_t floor_modulo(std::int64_t a, std::int64_t b) {
  if (b == -1) return 0;
  const std::int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

std::int64_t integer_power(std::int64_t base, std::int64_t exponent) {
  std::int64_t result = 1;
  while (exponent > 0) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) overflow();
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) overflow();
  }
  return result;
}

Value integers(BinaryOp op, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  switch (op) {
    case BinaryOp::kAdd:
      if (__builtin_add_overflow(a, b, &result)) overflow();
      return of_int(result);
    case BinaryOp::kSubtract:
      if (__builtin_sub_overflow(a, b, &result)) overflow();
      return of_int(result);
    case BinaryOp::kMultiply:
      if (__builtin_mul_overflow(a, b, &result)) overflow();
      return of_int(result);
    case BinaryOp::kDivide:
      if (b == 0) fault("division by zero");
      // Rounded once, as Python does: the quotient of two integers beyond 2^53 is not that of their doubles.
      return of_float(static_cast<double>(static_cast<long double>(a) / static_cast<long double>(b)));
    case BinaryOp::kFloorDivide:
      if (b == 0) fault("integer division or modulo by zero");
      return of_int(floor_divide(a, b));
    case BinaryOp::kModulo:
      if (b == 0) fault("integer modulo by zero");
      return of_int(floor_modulo(a, b));
    case BinaryOp::kPower:
      if (b >= 0) return of_int(integer_power(a, b));
      if (a == 0) fault("0.0 cannot be raised to a negative power");
      return of_float(std::pow(static_cast<double>(a), static_cast<double>(b)));
  }
  return none();
}

// With a request's integer beyond INT64_MAX: fine where the result is one that there is.
__extension__ typedef __int128 Wide;
Value big_integers(BinaryOp op, const Value& a, const Value& b) {
  const auto wide = [](const Value& v) { return v.is(Kind::kBigInt) ? static_cast<Wide>(v.big) : Wide{v.integral()}; };
  const Wide x = wide(a);
  const Wide y = wide(b);
  Wide result = 0;
  switch (op) {
    case BinaryOp::kAdd:
      result = x + y;
      break;
    case BinaryOp::kSubtract:
      result = x - y;
      break;
    case BinaryOp::kMultiply:
      if (__builtin_mul_overflow(x, y, &result)) overflow();
      break;
    case BinaryOp::kFloorDivide:
    case BinaryOp::kModulo: {
      if (y == 0) fault("integer division or modulo by zero");
      const Wide rest = x % y;
      const bool down = rest != 0 && (rest < 0) != (y < 0);
      result = op == BinaryOp::kModulo ? rest + (down ? y : 0) : x / y - (down ? 1 : 0);
      break;
    }
    default:
      overflow();
  }
  if (result > static_cast<Wide>(UINT64_MAX) || result < static_cast<Wide>(INT64_MIN)) overflow();
  return result > static_cast<Wide>(INT64_MAX) ? of_big(static_cast<std::uint64_t>(result))
                                               : of_int(static_cast<std::int64_t>(result));
}

double float_modulo(double a, double b) {
  double rest = std::fmod(a, b);
  if (rest != 0.0) {
    if ((b < 0) != (rest < 0)) rest += b;
  } else {
    rest = std::copysign(0.0, b);
  }
  return rest;
}

Value floats(BinaryOp op, double a, double b) {
  switch (op) {
    case BinaryOp::kAdd:
      return of_float(a + b);
    case BinaryOp::kSubtract:
      return of_float(a - b);
    case BinaryOp::kMultiply:
      return of_float(a * b);
    case BinaryOp::kDivide:
      if (b == 0.0) fault("float division by zero");
      return of_float(a / b);
    case BinaryOp::kFloorDivide: {
      if (b == 0.0) fault("float floor division by zero");
      const double rest = float_modulo(a, b);
      const double quotient = (a - rest) / b;
      double whole = std::floor(quotient);
      if (quotient - whole > 0.5) whole += 1.0;
      return of_float(quotient == 0.0 ? std::copysign(0.0, a / b) : whole);
    }
    case BinaryOp::kModulo:
      if (b == 0.0) fault("float modulo");
      return of_float(float_modulo(a, b));
    case BinaryOp::kPower: {
      if (a == 0.0 && b < 0.0) fault("0.0 cannot be raised to a negative power");
      if (a < 0.0 && std::isfinite(a) && std::isfinite(b) && std::floor(b) != b)
        fault("complex numbers are not supported");
      const double result = std::pow(a, b);
      if (std::isinf(result) && std::isfinite(a) && std::isfinite(b)) fault("numerical result out of range");
      return of_float(result);
    }
  }
  return none();
}

Value add_texts(Context& cx, const Value& a, const Value& b) {
  cx.scan(b.size);
  if (!a.markup && !b.markup) return of_text(cx.heap.concat(a.text(), b.text()));
  return of_markup(cx.heap.concat(escaped(cx, a).text(), escaped(cx, b).text()));
}

Value add_lists(Context& cx, const Value& a, const Value& b) {
  cx.step(a.list->size + b.list->size);
  cx.heap.require(a.list->size + b.list->size, sizeof(Value));
  std::vector<Value> items(a.list->span().begin(), a.list->span().end());
  items.insert(items.end(), b.list->span().begin(), b.list->span().end());
  return a.is(Kind::kList) ? new_list(cx, items) : new_tuple(cx, items);
}

Value repeat(Context& cx, const Value& what, std::int64_t count) {
  const std::size_t times = count > 0 ? static_cast<std::size_t>(count) : 0;
  if (what.is_string()) {
    TextBuilder out(cx);
    out.fill(times, what.text());
    Value text = out.value();
    text.markup = what.markup;
    return text;
  }
  if (what.list->size > 0) {
    cx.heap.require(times, sizeof(Value) * what.list->size);
    cx.step(times * what.list->size);
  }
  std::vector<Value> items;
  for (std::size_t i = 0; i < times && what.list->size > 0; ++i) {
    items.insert(items.end(), what.list->span().begin(), what.list->span().end());
  }
  return what.is(Kind::kList) ? new_list(cx, items) : new_tuple(cx, items);
}

bool repeatable(const Value& v) { return v.is_string() || v.is(Kind::kList) || v.is(Kind::kTuple); }

}  // namespace

bool is_number(const Value& v) { return v.is_integral() || v.is(Kind::kBigInt) || v.is(Kind::kFloat); }

double to_double(const Value& v) {
  return v.is(Kind::kFloat)    ? v.real
         : v.is(Kind::kBigInt) ? static_cast<double>(v.big)
                               : static_cast<double>(v.integral());
}

Value binary(Context& cx, BinaryOp op, const Value& a, const Value& b) {
  if (a.is_undefined()) fail_undefined(cx, a);
  if (op == BinaryOp::kModulo && a.is_string()) return printf_text(cx, a, b);
  if (b.is_undefined()) fail_undefined(cx, b);
  if (a.is_integral() && b.is_integral()) return integers(op, a.integral(), b.integral());
  if (is_number(a) && is_number(b)) {
    if (a.is(Kind::kFloat) || b.is(Kind::kFloat) || op == BinaryOp::kDivide)
      return floats(op, to_double(a), to_double(b));
    return big_integers(op, a, b);
  }
  if (op == BinaryOp::kAdd) {
    if (a.is_string() && b.is_string()) return add_texts(cx, a, b);
    if (a.is_string()) fault("can only concatenate str (not \"{}\") to str", type_name(b));
    if (a.kind == b.kind && (a.is(Kind::kList) || a.is(Kind::kTuple))) return add_lists(cx, a, b);
    if (a.is(Kind::kList) || a.is(Kind::kTuple)) {
      fault("can only concatenate {0} (not \"{1}\") to {0}", type_name(a), type_name(b));
    }
  }
  if (op == BinaryOp::kMultiply) {
    if (repeatable(a) && b.is_integral()) return repeat(cx, a, b.integral());
    if (repeatable(b) && a.is_integral()) return repeat(cx, b, a.integral());
    if (repeatable(a)) fault("can't multiply sequence by non-int of type '{}'", type_name(b));
  }
  unsupported(op, a, b);
}

Value negate(Context& cx, const Value& value) {
  if (value.is_undefined()) fail_undefined(cx, value);
  if (value.is(Kind::kFloat)) return of_float(-value.real);
  if (!value.is_integral()) fault("bad operand type for unary -: '{}'", type_name(value));
  if (value.integral() == INT64_MIN) overflow();
  return of_int(-value.integral());
}

Value plus(Context& cx, const Value& value) {
  if (value.is_undefined()) fail_undefined(cx, value);
  if (value.is(Kind::kFloat) || value.is(Kind::kBigInt)) return value;
  if (!value.is_integral()) fault("bad operand type for unary +: '{}'", type_name(value));
  return of_int(value.integral());
}

}  // namespace retort::jinja
