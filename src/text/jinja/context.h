// What one rendering has: its heap, its limits, its clock, and the interpreter that filters and macros call back into.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/chat_template.h"
#include "text/jinja/fault.h"
#include "text/jinja/heap.h"
#include "text/jinja/value.h"

namespace retort::jinja {

struct Args;

class Context {
 public:
  explicit Context(const TemplateLimits& limits) : heap(limits.max_value_bytes), limits_(limits) {}
  virtual ~Context() = default;
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  /// Accounts for work: 1 is about the cost of evaluating a name.
  void step(std::size_t n = 1) {
    steps_ += n;
    if (steps_ > limits_.max_steps) [[unlikely]] {
      exhausted("the template takes more than the limit of {} steps", limits_.max_steps);
    }
  }
  /// Accounts for going once over `n` bytes of text. A step is worth some 64 of them.
  void scan(std::size_t n) { step(n / 64); }

  /// Calls a function, method, macro, ... with the place of the call known.
  virtual Value call(const Value& callee, const Args& args) = 0;

  Heap heap;
  std::optional<std::chrono::system_clock::time_point> now;

  /// Nesting of evaluation: what bounds the stack.
  class Deeper {
   public:
    explicit Deeper(Context& cx) : cx_(cx) {
      if (++cx_.depth_ > 12 * cx_.limits_.max_depth) {
        --cx_.depth_;
        throw Fault{ErrorCode::kOutOfRange, "evaluation is nested too deeply", kNoOffset, false};
      }
    }
    ~Deeper() { --cx_.depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;

   private:
    Context& cx_;
  };

  [[nodiscard]] const TemplateLimits& limits() const { return limits_; }

 private:
  TemplateLimits limits_;
  std::size_t steps_ = 0;
  int depth_ = 0;
};

/// A string in the making: may not outgrow what the heap may still hold.
class TextBuilder {
 public:
  explicit TextBuilder(Context& cx) : cx_(cx) {}
  void add(std::string_view text) {
    cx_.heap.require(text_.size() + text.size());
    cx_.scan(text.size());
    text_ += text;
  }
  void add(char c) { add(std::string_view(&c, 1)); }
  void fill(std::size_t count, std::string_view text) {
    if (text.empty() || count == 0) return;
    cx_.heap.require(count, text.size());
    cx_.heap.require(text_.size() + count * text.size());
    cx_.scan(count * text.size());
    for (std::size_t i = 0; i < count; ++i) text_ += text;
  }
  [[nodiscard]] std::string_view view() const { return text_; }
  /// In the heap.
  [[nodiscard]] Value value() const { return of_text(cx_.heap.copy(text_)); }

 private:
  Context& cx_;
  std::string text_;
};

Value new_list(Context& cx, std::span<const Value> items);
Value new_tuple(Context& cx, std::span<const Value> items);
Value new_text(Context& cx, std::string_view text);
Value new_iterator(Context& cx, std::string_view type_name, std::span<const Value> items,
                   std::string_view failure = {});
Value undefined_hint(Context& cx, std::string_view hint);
Value undefined_name(Context& cx, std::string_view name);
Value undefined_member(Context& cx, const Value& object, const Value& name);
Value undefined_unsafe(Context& cx, const Value& object, std::string_view name);
/// jinja2's words: "'dict object' has no attribute 'content'".
std::string undefined_message(Context& cx, const Value& value);
[[noreturn]] void fail_undefined(Context& cx, const Value& value);

/// A dict in the making. A key that comes again keeps its place and takes the new value, as in Python.
class DictBuilder {
 public:
  explicit DictBuilder(Context& cx) : cx_(cx) {}
  void set(const Value& key, const Value& value);
  Value finish();
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  void reindex(std::size_t size);
  Context& cx_;
  std::vector<Dict::Entry> entries_;
  std::vector<std::uint32_t> index_;
};
/// nullptr if `key` is not there; a key that cannot be one (a list) is a Fault.
const Value* dict_find(Context& cx, const Dict& dict, const Value& key);
const Value* dict_find(Context& cx, const Dict& dict, std::string_view key);

/// Items that a for loop would go over; uses up an iterator. Fault if there is no going over it.
std::span<const Value> iterate(Context& cx, const Value& value);
bool is_iterable(const Value& value);
/// len(); nullopt where Python has none.
std::optional<std::size_t> length_of(Context& cx, const Value& value);
bool truthy(Context& cx, const Value& value);

}  // namespace retort::jinja
