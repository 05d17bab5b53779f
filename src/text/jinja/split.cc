#include "text/jinja/split.h"

#include <algorithm>

#include "text/jinja/text_search.h"

namespace retort::jinja {
namespace {

void keep(Context& cx, std::vector<std::string_view>& parts, std::string_view part) {
  cx.step();
  cx.heap.require(parts.size() + 1, sizeof(Value));
  parts.push_back(part);
}

bool space_at(std::string_view text, std::size_t at) { return is_space(code_point(text.substr(at))); }

// The byte where the character before `end` begins.
std::size_t previous(std::string_view text, std::size_t end) {
  const std::size_t earliest = end < 4 ? 0 : end - 4;
  for (std::size_t at = end - 1; at > earliest; --at) {
    if (at + char_bytes(text.substr(at, end - at)) == end && (text[at] & 0xC0) != 0x80) return at;
  }
  return char_bytes(text.substr(earliest, end - earliest)) == end - earliest ? earliest : end - 1;
}

}  // namespace

std::vector<std::string_view> split_text(Context& cx, std::string_view text, std::string_view sep,
                                         std::int64_t maxsplit, Side side) {
  if (sep.empty()) fault("empty separator");
  std::vector<std::string_view> parts;
  const auto may_split = [&] { return maxsplit < 0 || parts.size() < static_cast<std::size_t>(maxsplit); };
  if (side == Side::kRight) {
    std::size_t end = text.size();
    while (may_split()) {
      const std::size_t at = rfind_text(cx, text, sep, end);
      if (at == std::string_view::npos) break;
      keep(cx, parts, text.substr(at + sep.size(), end - at - sep.size()));
      end = at;
    }
    keep(cx, parts, text.substr(0, end));
    std::reverse(parts.begin(), parts.end());
    return parts;
  }
  std::size_t from = 0;
  while (may_split()) {
    const std::size_t at = find_text(cx, text, sep, from);
    if (at == std::string_view::npos) break;
    keep(cx, parts, text.substr(from, at - from));
    from = at + sep.size();
  }
  keep(cx, parts, text.substr(from));
  return parts;
}

std::vector<std::string_view> split_space(Context& cx, std::string_view text, std::int64_t maxsplit, Side side) {
  std::vector<std::string_view> parts;
  cx.scan(4 * text.size());
  const auto may_split = [&] { return maxsplit < 0 || parts.size() < static_cast<std::size_t>(maxsplit); };
  if (side == Side::kRight) {
    text = strip_space(text, Side::kRight);
    while (!text.empty() && may_split()) {
      std::size_t start = text.size();
      while (start > 0) {
        const std::size_t at = previous(text, start);
        if (space_at(text, at)) break;
        start = at;
      }
      keep(cx, parts, text.substr(start));
      text = strip_space(text.substr(0, start), Side::kRight);
    }
    if (!text.empty()) keep(cx, parts, text);
    std::reverse(parts.begin(), parts.end());
    return parts;
  }
  text = strip_space(text, Side::kLeft);
  while (!text.empty() && may_split()) {
    std::size_t end = 0;
    while (end < text.size() && !space_at(text, end)) end += char_bytes(text.substr(end));
    keep(cx, parts, text.substr(0, end));
    text = strip_space(text.substr(end), Side::kLeft);
  }
  if (!text.empty()) keep(cx, parts, text);
  return parts;
}

std::vector<std::string_view> split_lines(Context& cx, std::string_view text, KeepEnds keep_ends) {
  std::vector<std::string_view> lines;
  cx.scan(4 * text.size());
  std::size_t start = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view rest = text.substr(at);
    const char32_t c = code_point(rest);
    std::size_t bytes = char_bytes(rest);
    if ((c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029) {
      if (rest.starts_with("\r\n")) bytes = 2;
      keep(cx, lines, text.substr(start, at - start + (keep_ends == KeepEnds::kYes ? bytes : 0)));
      start = at + bytes;
    }
    at += bytes;
  }
  if (start < text.size()) keep(cx, lines, text.substr(start));
  return lines;
}

std::string_view replace_text(Context& cx, std::string_view text, std::string_view what, std::string_view with,
                              std::int64_t count) {
  TextBuilder out(cx);
  std::size_t from = 0;
  if (what.empty()) {  // before every character and at the end
    for (std::int64_t done = 0; count < 0 || done < count; ++done) {
      cx.step();
      out.add(with);
      if (from == text.size()) break;
      const std::size_t bytes = char_bytes(text.substr(from));
      out.add(text.substr(from, bytes));
      from += bytes;
    }
    out.add(text.substr(from));
    return out.value().text();
  }
  for (std::int64_t done = 0; count < 0 || done < count; ++done) {
    const std::size_t at = find_text(cx, text, what, from);
    if (at == std::string_view::npos) break;
    cx.step();
    out.add(text.substr(from, at - from));
    out.add(with);
    from = at + what.size();
  }
  if (from == 0) return text;
  out.add(text.substr(from));
  return out.value().text();
}

std::string_view justified(Context& cx, std::string_view text, std::int64_t width, std::string_view filler,
                           char align) {
  cx.scan(text.size());
  const std::int64_t missing = width - static_cast<std::int64_t>(count_chars(text));
  if (missing <= 0) return text;
  const auto padding = static_cast<std::size_t>(missing);
  // Python puts the odd one to the left where both the padding and the width are odd.
  const std::size_t left = align == '<'   ? 0
                           : align == '>' ? padding
                                          : padding / 2 + (padding & static_cast<std::size_t>(width) & 1);
  TextBuilder out(cx);
  out.fill(left, filler);
  out.add(text);
  out.fill(padding - left, filler);
  return out.value().text();
}

}  // namespace retort::jinja
