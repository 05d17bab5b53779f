#include "text/jinja/text_search.h"

#include <cstdint>
#include <cstring>
#include <vector>

namespace retort::jinja {
namespace {

// Knuth, Morris and Pratt, from the back. table[i]: how much of `what`, read backwards, still matches after a mismatch
// behind its first i characters.
std::size_t rfind_linear(std::string_view text, std::string_view what) {
  const std::size_t n = what.size();
  const auto back = [n, what](std::size_t i) { return what[n - 1 - i]; };
  std::vector<std::uint32_t> table(n, 0);
  for (std::size_t i = 1, k = 0; i < n; ++i) {
    while (k > 0 && back(i) != back(k)) k = table[k - 1];
    if (back(i) == back(k)) ++k;
    table[i] = static_cast<std::uint32_t>(k);
  }
  std::size_t k = 0;
  for (std::size_t i = text.size(); i-- > 0;) {
    while (k > 0 && text[i] != back(k)) k = table[k - 1];
    if (text[i] == back(k)) ++k;
    if (k == n) return i;
  }
  return std::string_view::npos;
}

}  // namespace

std::size_t find_text(Context& cx, std::string_view text, std::string_view what, std::size_t from) {
  if (from > text.size()) return std::string_view::npos;
  if (what.empty()) return from;
  if (what.size() > text.size() - from) return std::string_view::npos;  // memmem wants no null, as an empty text has
  // memmem is the two-way algorithm: linear.
  const void* at = memmem(text.data() + from, text.size() - from, what.data(), what.size());
  const std::size_t found = at == nullptr ? std::string_view::npos : static_cast<const char*>(at) - text.data();
  cx.scan((found == std::string_view::npos ? text.size() : found) - from + what.size());
  return found;
}

std::size_t rfind_text(Context& cx, std::string_view text, std::string_view what, std::size_t end) {
  text = text.substr(0, end);
  if (what.size() > text.size()) return std::string_view::npos;
  if (what.empty()) return text.size();
  if (what.size() > 16) cx.heap.require(what.size(), sizeof(std::uint32_t));
  const std::size_t found = what.size() <= 16 ? text.rfind(what) : rfind_linear(text, what);
  cx.scan(text.size() - (found == std::string_view::npos ? 0 : found) + what.size());
  return found;
}

}  // namespace retort::jinja
