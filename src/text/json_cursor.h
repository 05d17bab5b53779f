// A cursor over JSON text, for the parts of tokenizer.json that are too large for a tree: a vocabulary has 150,000
// keys and as many merges, and a tree of them takes longer to make than everything else together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.h"

namespace retort {

/// Strict RFC 8259 in what it reads; every failure is kCorrupt with line and column.
class JsonCursor {
 public:
  /// `text` outlives the cursor.
  explicit JsonCursor(std::string_view text) : text_(text) {}

  /// Goes past whitespace and `expected`, which is one of {}[]:, or fails.
  Status take(char expected);
  /// Goes past whitespace, and past `wanted` if it comes next.
  bool take_if(char wanted);
  /// The next character that is not whitespace, not taken; '\0' at the end.
  char peek();

  /// A string. The view points into the text, or into `storage` where there are escapes. Valid UTF-8.
  Expected<std::string_view> string(std::string& storage);
  /// A whole number.
  Expected<std::int64_t> integer();
  /// Goes past one value of any kind; its text. Brackets and strings are matched, the rest is for a parser to judge.
  Expected<std::string_view> skip_value();
  /// kCorrupt unless only whitespace is left.
  Status end();

  /// For each member of an object: member(key) with the cursor at the value, which it must take. The key is valid
  /// until the next call.
  template <typename Member>
  Status object(Member&& member) {
    RETORT_TRY_STATUS(take('{'));
    if (take_if('}')) return {};
    std::string storage;
    do {
      RETORT_TRY(const std::string_view key, string(storage));
      RETORT_TRY_STATUS(take(':'));
      RETORT_TRY_STATUS(member(key));
    } while (take_if(','));
    return take('}');
  }
  /// For each element of an array: element() with the cursor at it.
  template <typename Element>
  Status array(Element&& element) {
    RETORT_TRY_STATUS(take('['));
    if (take_if(']')) return {};
    do {
      RETORT_TRY_STATUS(element());
    } while (take_if(','));
    return take(']');
  }

  /// "line 3, column 14" of where the cursor is.
  [[nodiscard]] std::string position() const;

 private:
  void skip_space();
  [[nodiscard]] tl::unexpected<Error> expected(std::string_view what) const;
  Expected<char> plain_run();
  Status skip_string();
  Expected<std::string_view> string_with_escapes(std::size_t begin, std::string& storage);
  Expected<std::uint32_t> hex4();

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace retort
