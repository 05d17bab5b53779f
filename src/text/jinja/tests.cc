// What stands behind `is`.
#include <algorithm>

#include "text/jinja/arithmetic.h"
#include "text/jinja/compare.h"
#include "text/jinja/filters.h"
#include "text/jinja/functions.h"
#include "text/jinja/text_of.h"
#include "text/jinja/unicode.h"

namespace retort::jinja {
namespace {

using Test = bool (*)(Context&, const Value&, const Args&);

template <bool (*kHolds)(const Value&)>
bool plain(Context&, const Value& value, const Args& args) {
  args.none("this test");
  return kHolds(value);
}

bool is_defined(const Value& v) { return !v.is_undefined(); }
bool is_undefined(const Value& v) { return v.is_undefined(); }
bool is_none(const Value& v) { return v.is(Kind::kNone); }
bool is_boolean(const Value& v) { return v.is(Kind::kBool); }
bool is_true(const Value& v) { return v.is(Kind::kBool) && v.boolean; }
bool is_false(const Value& v) { return v.is(Kind::kBool) && !v.boolean; }
bool is_integer(const Value& v) { return v.is(Kind::kInt) || v.is(Kind::kBigInt); }
bool is_float(const Value& v) { return v.is(Kind::kFloat); }
bool is_text(const Value& v) { return v.is_string(); }
bool is_mapping(const Value& v) { return v.is(Kind::kDict); }
bool is_any_number(const Value& v) { return is_number(v); }
bool is_escaped(const Value& v) { return v.is_string() && v.markup; }
bool is_sequence(const Value& v) {
  return v.is_undefined() || v.is_string() || v.is(Kind::kList) || v.is(Kind::kTuple) || v.is(Kind::kDict) ||
         object_as<Range>(v, ObjectKind::kRange) != nullptr;
}
bool is_callable(const Value& v) {
  if (v.is_undefined()) return true;  // jinja2's Undefined can be called: to fail
  if (!v.is(Kind::kObject)) return false;
  switch (v.object->kind) {
    case ObjectKind::kMacro:
    case ObjectKind::kFunction:
    case ObjectKind::kMethod:
    case ObjectKind::kLoop:
    case ObjectKind::kJoiner:
      return true;
    default:
      return false;
  }
}

bool parity(Context& cx, const Value& value, const Args& args, std::int64_t wanted) {
  args.none("this test");
  return equals(cx, binary(cx, BinaryOp::kModulo, value, of_int(2)), of_int(wanted));
}
bool is_odd(Context& cx, const Value& value, const Args& args) { return parity(cx, value, args, 1); }
bool is_even(Context& cx, const Value& value, const Args& args) { return parity(cx, value, args, 0); }

bool is_divisible(Context& cx, const Value& value, const Args& args) {
  const auto [by] = bind("divisibleby", args, {"num"}, 1);
  return equals(cx, binary(cx, BinaryOp::kModulo, value, by), of_int(0));
}

bool is_equal(Context& cx, const Value& value, const Args& args) {
  const auto [other] = bind("eq", args, {"other"}, 1);
  return equals(cx, value, other);
}
bool is_unequal(Context& cx, const Value& value, const Args& args) { return !is_equal(cx, value, args); }

template <Order kOrder>
bool is_ordered(Context& cx, const Value& value, const Args& args) {
  const auto [other] = bind("a comparison", args, {"other"}, 1);
  return ordered(cx, value, other, kOrder);
}

bool is_in(Context& cx, const Value& value, const Args& args) {
  const auto [container] = bind("in", args, {"seq"}, 1);
  return contains(cx, container, value);
}

bool is_same(Context&, const Value& value, const Args& args) {
  const auto [other] = bind("sameas", args, {"other"}, 1);
  if (value.kind != other.kind) return false;
  switch (value.kind) {
    case Kind::kNone:
      return true;
    case Kind::kBool:
      return value.boolean == other.boolean;
    case Kind::kInt:
      return value.integer == other.integer;
    case Kind::kFloat:
      return value.real == other.real;
    case Kind::kString:
      return value.text() == other.text();
    default:
      return value.list == other.list;
  }
}

bool cased(Context& cx, const Value& value, const Args& args, bool (*is_this)(char32_t), bool (*is_other)(char32_t)) {
  args.none("this test");
  const std::string_view text = text_of(cx, value);
  cx.scan(4 * text.size());
  bool any = false;
  for (std::size_t i = 0; i < text.size(); i += char_bytes(text.substr(i))) {
    const char32_t c = code_point(text.substr(i));
    if (is_other(c) || is_title(c)) return false;
    any = any || is_this(c);
  }
  return any;
}
bool is_upper_text(Context& cx, const Value& v, const Args& args) { return cased(cx, v, args, is_upper, is_lower); }
bool is_lower_text(Context& cx, const Value& v, const Args& args) { return cased(cx, v, args, is_lower, is_upper); }

bool is_filter(Context& cx, const Value& value, const Args& args) {
  args.none("filter");
  hash_of(cx, value);  // what cannot be looked up is an error, not false
  return value.is_string() && find_filter(value.text()) != nullptr;
}
bool is_test(Context& cx, const Value& value, const Args& args) {
  args.none("test");
  hash_of(cx, value);
  return value.is_string() && find_test(value.text()) != nullptr;
}

constexpr TestSpec kTests[] = {
    {"defined", plain<is_defined>},
    {"none", plain<is_none>},
    {"string", plain<is_text>},
    {"mapping", plain<is_mapping>},
    {"iterable", plain<is_iterable>},
    {"sequence", plain<is_sequence>},
    {"undefined", plain<is_undefined>},
    {"true", plain<is_true>},
    {"false", plain<is_false>},
    {"boolean", plain<is_boolean>},
    {"integer", plain<is_integer>},
    {"float", plain<is_float>},
    {"number", plain<is_any_number>},
    {"callable", plain<is_callable>},
    {"escaped", plain<is_escaped>},
    {"odd", is_odd},
    {"even", is_even},
    {"divisibleby", is_divisible},
    {"in", is_in},
    {"sameas", is_same},
    {"upper", is_upper_text},
    {"lower", is_lower_text},
    {"filter", is_filter},
    {"test", is_test},
    {"eq", is_equal},
    {"==", is_equal},
    {"equalto", is_equal},
    {"ne", is_unequal},
    {"!=", is_unequal},
    {"lt", is_ordered<Order::kLess>},
    {"<", is_ordered<Order::kLess>},
    {"lessthan", is_ordered<Order::kLess>},
    {"le", is_ordered<Order::kLessEqual>},
    {"<=", is_ordered<Order::kLessEqual>},
    {"gt", is_ordered<Order::kGreater>},
    {">", is_ordered<Order::kGreater>},
    {"greaterthan", is_ordered<Order::kGreater>},
    {"ge", is_ordered<Order::kGreaterEqual>},
    {">=", is_ordered<Order::kGreaterEqual>},
};

}  // namespace

std::span<const TestSpec> tests() { return kTests; }

const TestSpec* find_test(std::string_view name) {
  const auto* it = std::find_if(std::begin(kTests), std::end(kTests), [name](const auto& t) { return t.name == name; });
  return it == std::end(kTests) ? nullptr : it;
}

const FilterSpec* find_filter(std::string_view name) {
  for (const auto table : {value_filters(), text_filters(), sequence_filters(), selecting_filters()}) {
    for (const FilterSpec& spec : table) {
      if (spec.name == name) return &spec;
    }
  }
  return nullptr;
}

}  // namespace retort::jinja
