// Regular expressions over module names, as quantization_config has them: "re:.*self_attn\.(q|k|v)_proj$".
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace retort {

/// The part of Python's syntax that published files use: literals, `.`, `\d` `\w` `\s`, an escaped sign, `[a-z]` and
/// `[^a-z]`, `( )` and `(?: )`, `|`, `*` `+` `?`, `^` and `$`. Anything else ({n}, lazy quantifiers, lookaround,
/// back-references, \b) is kUnsupported, by name. Matches as re.match does: at the beginning of the name, not
/// necessarily to its end.
///
/// The text is walked once with the set of all states that the pattern can be in: time is |pattern| x |name| at most,
/// whatever the pattern. Immutable and thread-safe.
class NamePattern {
 public:
  static constexpr std::size_t kMaxLength = 512;  ///< characters of a pattern; real ones have fewer than 100

  static Expected<NamePattern> compile(std::string_view pattern);
  [[nodiscard]] bool matches(std::string_view name) const;
  [[nodiscard]] const std::string& text() const { return text_; }

  using Bytes = std::bitset<256>;

 private:
  enum class Op : std::uint8_t { kByte, kSplit, kJump, kBegin, kEnd };
  /// Jumps are relative, so that pieces of a program can be put together.
  struct Step {
    Op op;
    std::int32_t first = 0;   ///< kSplit, kJump: where to go; kByte: index into sets_
    std::int32_t second = 0;  ///< kSplit: the other way
  };
  class Parser;

  std::string text_;
  std::vector<Step> steps_;  ///< running off the end is a match
  std::vector<Bytes> sets_;
};

}  // namespace retort
