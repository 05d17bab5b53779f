#include "io/glob.h"

#include <optional>

namespace retort {
namespace {

struct Set {
  std::size_t length;  // of the set in the pattern, with both brackets
  bool matches;
};

// The set that `pattern` starts with ('[' is its first character), or nullopt if no bracket closes it.
std::optional<Set> read_set(std::string_view pattern, unsigned char c) {
  std::size_t at = 1;
  const bool negated = at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^');
  if (negated) ++at;
  const std::size_t first = at;
  bool inside = false;
  // A ']' that comes first is a member of the set.
  for (; at < pattern.size() && (pattern[at] != ']' || at == first); ++at) {
    const auto low = static_cast<unsigned char>(pattern[at]);
    if (at + 2 < pattern.size() && pattern[at + 1] == '-' && pattern[at + 2] != ']') {
      inside = inside || (low <= c && c <= static_cast<unsigned char>(pattern[at + 2]));
      at += 2;
    } else {
      inside = inside || low == c;
    }
  }
  if (at >= pattern.size()) return std::nullopt;
  return Set{at + 1, inside != negated};
}

// How many characters of `pattern` the one character c uses up; 0 if it does not match. `pattern` is not empty and
// does not start with '*'.
std::size_t match_one(std::string_view pattern, char c) {
  if (pattern.front() == '?') return 1;
  if (pattern.front() == '[') {
    if (const auto set = read_set(pattern, static_cast<unsigned char>(c))) return set->matches ? set->length : 0;
  }
  return pattern.front() == c ? 1 : 0;
}

}  // namespace

bool glob_match(std::string_view pattern, std::string_view path) {
  // Only the last star needs to be gone back to: an earlier one that took more could only leave less for it.
  std::size_t p = 0;
  std::size_t s = 0;
  std::optional<std::size_t> star;  // pattern position after the last '*'
  std::size_t star_from = 0;        // where in path it stopped taking
  const bool below = pattern.ends_with('/');
  while (s < path.size()) {
    if (below && p == pattern.size()) return true;
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      star_from = s;
      continue;
    }
    const std::size_t used = p < pattern.size() ? match_one(pattern.substr(p), path[s]) : 0;
    if (used > 0) {
      p += used;
      ++s;
    } else if (star) {
      p = *star;
      s = ++star_from;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace retort
