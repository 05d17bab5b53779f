// Python's questions to a str (isdigit() and friends), and the methods of the other types.
#include <cmath>

#include "text/jinja/access.h"
#include "text/jinja/compare.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/unicode.h"

namespace retort::jinja {
namespace {

// Every character is of the class, and there is one.
template <bool (*kClass)(char32_t)>
Value all_are(Context& cx, const Value& self, const Args& args) {
  args.none("a string test");
  cx.scan(4 * self.size);
  const std::string_view text = self.text();
  for (std::size_t i = 0; i < text.size(); i += char_bytes(text.substr(i))) {
    if (!kClass(code_point(text.substr(i)))) return of_bool(false);
  }
  return of_bool(!text.empty());
}

// No character is of the other case, and one is of this.
template <bool (*kThis)(char32_t), bool (*kOther)(char32_t)>
Value all_cased(Context& cx, const Value& self, const Args& args) {
  args.none("a string test");
  cx.scan(4 * self.size);
  const std::string_view text = self.text();
  bool any = false;
  for (std::size_t i = 0; i < text.size(); i += char_bytes(text.substr(i))) {
    const char32_t c = code_point(text.substr(i));
    if (kOther(c) || is_title(c)) return of_bool(false);
    any = any || kThis(c);
  }
  return of_bool(any);
}

Value is_titled(Context& cx, const Value& self, const Args& args) {
  args.none("istitle()");
  cx.scan(4 * self.size);
  const std::string_view text = self.text();
  bool in_word = false;
  bool any = false;
  for (std::size_t i = 0; i < text.size(); i += char_bytes(text.substr(i))) {
    const char32_t c = code_point(text.substr(i));
    if ((is_upper(c) || is_title(c)) && in_word) return of_bool(false);
    if (is_lower(c) && !in_word) return of_bool(false);
    in_word = is_cased(c);
    any = any || in_word;
  }
  return of_bool(any);
}

Value is_ascii(Context& cx, const Value& self, const Args& args) {
  args.none("isascii()");
  cx.scan(self.size);
  for (const char c : self.text()) {
    if (static_cast<unsigned char>(c) >= 0x80) return of_bool(false);
  }
  return of_bool(true);
}

Value is_all_printable(Context& cx, const Value& self, const Args& args) {
  if (self.size == 0) return of_bool(true);
  return all_are<is_printable>(cx, self, args);
}

Value is_identifier(Context& cx, const Value& self, const Args& args) {
  if (self.size == 0 || !is_identifier_start(code_point(self.text()))) return of_bool(false);
  return all_are<is_identifier_part>(cx, self, args);
}

constexpr MethodSpec kStringTests[] = {
    {"isdigit", all_are<is_digit>},
    {"isalpha", all_are<is_alpha>},
    {"isalnum", all_are<is_alnum>},
    {"isspace", all_are<is_space>},
    {"isdecimal", all_are<is_decimal>},
    {"isnumeric", all_are<is_numeric>},
    {"isupper", all_cased<is_upper, is_lower>},
    {"islower", all_cased<is_lower, is_upper>},
    {"istitle", is_titled},
    {"isascii", is_ascii},
    {"isprintable", is_all_printable},
    {"isidentifier", is_identifier},
};

Value make_view(Context& cx, const Value& self, ViewKind kind) {
  auto* view = cx.heap.make<DictView>();
  view->kind = ObjectKind::kDictView;
  view->view = kind;
  view->dict = self.dict;
  return of_object(view);
}

template <ViewKind kKind>
Value dict_view(Context& cx, const Value& self, const Args& args) {
  args.none("a dict view");
  return make_view(cx, self, kKind);
}

Value dict_get(Context& cx, const Value& self, const Args& args) {
  const auto [key, fallback] = bind("get()", args, {"key", "default"}, 1);
  const Value* found = dict_find(cx, *self.dict, key);
  return found != nullptr ? *found : fallback.is_missing() ? none() : fallback;
}

Value copy(Context&, const Value& self, const Args& args) {
  args.none("copy()");
  return self;  // nothing can tell it from another one
}

constexpr MethodSpec kDictMethods[] = {
    {"get", dict_get},
    {"items", dict_view<ViewKind::kItems>},
    {"keys", dict_view<ViewKind::kKeys>},
    {"values", dict_view<ViewKind::kValues>},
    {"copy", copy},
};

Value sequence_count(Context& cx, const Value& self, const Args& args) {
  const auto [what] = bind("count()", args, {"value"}, 1);
  std::int64_t count = 0;
  for (const Value& item : iterate(cx, self)) count += equals(cx, item, what) ? 1 : 0;
  return of_int(count);
}

Value sequence_index(Context& cx, const Value& self, const Args& args) {
  const auto [what, start, stop] = bind("index()", args, {"value", "start", "stop"}, 1);
  const auto items = iterate(cx, self);
  const Bounds bounds = clamp_bounds(cx, start, stop, static_cast<std::int64_t>(items.size()));
  for (std::int64_t i = bounds.start; i < bounds.stop; ++i) {
    if (equals(cx, items[static_cast<std::size_t>(i)], what)) return of_int(i);
  }
  fault("the value is not in the {}", type_name(self));
}

constexpr MethodSpec kSequenceMethods[] = {{"count", sequence_count}, {"index", sequence_index}, {"copy", copy}};

Value cycler_next(Context&, const Value& self, const Args& args) {
  args.none("next()");
  auto& cycler = *static_cast<Cycler*>(self.object);
  const Value item = cycler.items[cycler.next];
  cycler.next = (cycler.next + 1) % cycler.items.size();
  return item;
}

Value cycler_reset(Context&, const Value& self, const Args& args) {
  args.none("reset()");
  static_cast<Cycler*>(self.object)->next = 0;
  return none();
}

constexpr MethodSpec kCyclerMethods[] = {{"next", cycler_next}, {"reset", cycler_reset}};

Value is_integer(Context&, const Value& self, const Args& args) {
  args.none("is_integer()");
  if (self.is(Kind::kInt)) fault("'int object' has no attribute 'is_integer'");
  return of_bool(std::isfinite(self.real) && std::floor(self.real) == self.real);
}

constexpr MethodSpec kNumberMethods[] = {{"is_integer", is_integer}};

}  // namespace

std::span<const MethodSpec> string_test_methods() { return kStringTests; }
std::span<const MethodSpec> dict_methods() { return kDictMethods; }
std::span<const MethodSpec> sequence_methods() { return kSequenceMethods; }
std::span<const MethodSpec> cycler_methods() { return kCyclerMethods; }
std::span<const MethodSpec> number_methods() { return kNumberMethods; }

}  // namespace retort::jinja
