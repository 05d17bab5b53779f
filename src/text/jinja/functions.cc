#include "text/jinja/functions.h"

#include <ctime>

#include "text/jinja/text_of.h"

namespace retort::jinja {
namespace {

// What jinja2's sandbox allows.
constexpr std::size_t kMaxRange = 100'000;

Value range(Context& cx, const Args& args) {
  if (!args.named.empty()) fault("range() takes no keyword arguments");
  if (args.positional.empty()) fault("range expected at least 1 argument, got 0");
  if (args.positional.size() > 3) fault("range expected at most 3 arguments, got {}", args.positional.size());
  std::int64_t numbers[3] = {};
  for (std::size_t i = 0; i < args.positional.size(); ++i)
    numbers[i] = int_arg(cx, args.positional[i], "a range bound");
  auto* range = cx.heap.make<Range>();
  range->kind = ObjectKind::kRange;
  range->start = args.positional.size() == 1 ? 0 : numbers[0];
  range->stop = args.positional.size() == 1 ? numbers[0] : numbers[1];
  range->step = args.positional.size() == 3 ? numbers[2] : 1;
  if (range->step == 0) fault("range() arg 3 must not be zero");
  const bool up = range->step > 0;
  if (up ? range->start < range->stop : range->start > range->stop) {
    // Unsigned distances: they cannot overflow.
    const auto start = static_cast<std::uint64_t>(range->start);
    const auto stop = static_cast<std::uint64_t>(range->stop);
    const std::uint64_t distance = up ? stop - start : start - stop;
    const std::uint64_t step =
        up ? static_cast<std::uint64_t>(range->step) : 0 - static_cast<std::uint64_t>(range->step);
    range->size = static_cast<std::size_t>((distance - 1) / step + 1);
  }
  if (range->size > kMaxRange) {
    fault("Range too big. The sandbox blocks ranges larger than MAX_RANGE ({}).", kMaxRange);
  }
  return of_object(range);
}

// dict(mapping or pairs, **more) and namespace(...) take the same arguments.
template <typename Set>
void for_each_pair(Context& cx, const Args& args, std::string_view function, Set set) {
  if (args.positional.size() > 1) fault("{} expected at most 1 argument, got {}", function, args.positional.size());
  if (args.positional.size() == 1) {
    const Value& from = args.positional[0];
    if (from.is_undefined()) fail_undefined(cx, from);
    if (from.is(Kind::kDict)) {
      for (const auto& entry : from.dict->span()) set(entry.key, entry.value);
    } else {
      for (const Value& item : iterate(cx, from)) {
        const auto pair = iterate(cx, item);
        if (pair.size() != 2) fault("{} update sequence element has length {}; 2 is required", function, pair.size());
        set(pair[0], pair[1]);
      }
    }
  }
  for (const auto& [name, value] : args.named) set(of_text(name), value);
}

Value dict(Context& cx, const Args& args) {
  DictBuilder builder(cx);
  for_each_pair(cx, args, "dict", [&](const Value& key, const Value& value) { builder.set(key, value); });
  return builder.finish();
}

Value make_namespace(Context& cx, const Args& args) {
  DictBuilder builder(cx);
  for_each_pair(cx, args, "namespace", [&](const Value& key, const Value& value) { builder.set(key, value); });
  const Value fields = builder.finish();
  auto* ns = cx.heap.make<Namespace>();
  ns->kind = ObjectKind::kNamespace;
  for (const auto& entry : fields.dict->span()) {
    if (!entry.key.is_string()) fault("a namespace's fields are named by texts, not by {}", type_name(entry.key));
    ns->entries.push_back(cx.heap, {entry.key.text(), entry.value});
  }
  return of_object(ns);
}

Value raise_exception(Context& cx, const Args& args) {
  const auto [message] = bind("raise_exception()", args, {"message"}, 1);
  throw Fault{ErrorCode::kInvalidArgument, std::string(text_of(cx, message)), kNoOffset, true};
}

Value strftime_now(Context& cx, const Args& args) {
  const auto [format] = bind("strftime_now()", args, {"format"}, 1);
  const std::string_view pattern = text_arg(cx, format, "strftime_now() argument");
  cx.heap.require(pattern.size(), 32);  // no directive gives more than that for each of its two characters
  cx.scan(16 * pattern.size());
  const auto now = cx.now.value_or(std::chrono::system_clock::now());
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto whole = std::chrono::system_clock::from_time_t(seconds);
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(now - whole).count();
  std::tm time{};
  if (cx.now) {
    gmtime_r(&seconds, &time);
  } else {
    localtime_r(&seconds, &time);
  }
  return new_text(cx, format_time(pattern, time, static_cast<long>(microseconds)));
}

Value cycler(Context& cx, const Args& args) {
  if (!args.named.empty()) fault("cycler() takes no keyword arguments");
  if (args.positional.empty()) fault("at least one item has to be provided");
  auto* object = cx.heap.make<Cycler>();
  object->kind = ObjectKind::kCycler;
  object->items = {cx.heap.copy_array(args.positional.data(), args.positional.size()), args.positional.size()};
  return of_object(object);
}

Value joiner(Context& cx, const Args& args) {
  const auto [separator] = bind("joiner()", args, {"sep"});
  auto* object = cx.heap.make<Joiner>();
  object->kind = ObjectKind::kJoiner;
  object->separator = separator.is_missing() ? of_text(", ") : separator;
  return of_object(object);
}

Value lipsum(Context&, const Args&) { fault("lipsum() is not supported in a chat template"); }

constexpr FunctionSpec kFunctions[] = {
    {"range", range},
    {"namespace", make_namespace},
    {"dict", dict},
    {"raise_exception", raise_exception},
    {"strftime_now", strftime_now},
    {"cycler", cycler},
    {"joiner", joiner},
    {"lipsum", lipsum},
};

}  // namespace

std::span<const FunctionSpec> global_functions() { return kFunctions; }

std::string_view function_name(const Value& function) {
  return static_cast<const Function*>(function.object)->spec->name;
}

}  // namespace retort::jinja
