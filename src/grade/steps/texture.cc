#include "grade/steps/texture.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <unordered_set>
#include <vector>

#include "core/ascii.h"

namespace retort::grade {
namespace {

constexpr std::size_t kSequence = 8;

std::uint64_t hash_word(std::string_view word) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : word) hash = (hash ^ static_cast<std::uint8_t>(lower_case(c))) * 0x100000001b3u;
  return hash;
}

/// Bytes of the character that begins with `lead`.
std::size_t length_of(unsigned char lead) { return lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1; }

double repeated_share(const std::vector<std::uint64_t>& words) {
  if (words.size() < kSequence + 1) return 0;
  std::unordered_set<std::uint64_t> seen;
  std::size_t repeated = 0;
  const std::size_t count = words.size() - kSequence + 1;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t hash = 0x9e3779b97f4a7c15u;
    for (std::size_t k = 0; k < kSequence; ++k) hash = (hash ^ words[i + k]) * 0x100000001b3u + (hash >> 29);
    if (!seen.insert(hash).second) ++repeated;
  }
  return static_cast<double>(repeated) / static_cast<double>(count);
}

}  // namespace

Texture texture_of(std::string_view text) {
  Texture out;
  std::vector<std::uint64_t> words;
  std::size_t latin = 0;
  std::size_t eastern = 0;
  bool formula = false;
  int line_breaks = 2;
  for (std::size_t at = 0; at < text.size();) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c == '\n') {
      ++line_breaks;
      ++at;
      continue;
    }
    if (std::isspace(c) == 0 && line_breaks >= 2) ++out.paragraphs;
    if (std::isspace(c) == 0) line_breaks = 0;
    if (c == '$') formula = !formula;
    if (std::isalnum(c) != 0) {
      const std::size_t first = at;
      while (at < text.size() && std::isalnum(static_cast<unsigned char>(text[at])) != 0) ++at;
      words.push_back(hash_word(text.substr(first, at - first)));
      const bool command = first > 0 && text[first - 1] == '\\';
      // A single letter is a variable.
      if (!formula && !command && at - first > 1 && std::isalpha(c) != 0) ++latin;
      continue;
    }
    const std::size_t length = std::min(length_of(c), text.size() - at);
    if (length == 3 && c >= 0xe3 && c <= 0xed) {  // kana, Chinese characters, Hangul
      words.push_back(hash_word(text.substr(at, length)));
      ++eastern;
    }
    at += length;
  }
  out.words = static_cast<int>(words.size());
  out.repetition = repeated_share(words);
  // A Chinese word has some two characters.
  const double east = static_cast<double>(eastern) / 2;
  const double all = static_cast<double>(latin) + east;
  if (all > 0) out.language_mix = std::min(static_cast<double>(latin), east) / all;
  return out;
}

}  // namespace retort::grade
