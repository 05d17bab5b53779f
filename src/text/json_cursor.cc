#include "text/json_cursor.h"

#include <algorithm>

#include "core/json.h"
#include "text/utf8.h"

namespace retort {
namespace {

constexpr bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

}  // namespace

void JsonCursor::skip_space() {
  while (at_ < text_.size() && is_space(text_[at_])) ++at_;
}

std::string JsonCursor::position() const {
  const std::string_view before = text_.substr(0, at_);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t newline = before.rfind('\n');
  return fmt::format("line {}, column {}", line, newline == std::string_view::npos ? at_ + 1 : at_ - newline);
}

tl::unexpected<Error> JsonCursor::expected(std::string_view what) const {
  if (at_ >= text_.size()) return fail(ErrorCode::kCorrupt, "{}: expected {} but the text ends", position(), what);
  const auto byte = static_cast<std::uint8_t>(text_[at_]);
  if (byte < 0x20 || byte > 0x7E) {
    return fail(ErrorCode::kCorrupt, "{}: expected {} but found byte 0x{:02X}", position(), what, byte);
  }
  return fail(ErrorCode::kCorrupt, "{}: expected {} but found '{}'", position(), what, text_[at_]);
}

char JsonCursor::peek() {
  skip_space();
  return at_ < text_.size() ? text_[at_] : '\0';
}

bool JsonCursor::take_if(char wanted) {
  if (peek() != wanted || at_ >= text_.size()) return false;
  ++at_;
  return true;
}

Status JsonCursor::take(char wanted) {
  if (!take_if(wanted)) return expected(fmt::format("'{}'", wanted));
  return {};
}

// Goes to the quote or backslash that ends a run of plain characters.
Expected<char> JsonCursor::plain_run() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '"' || c == '\\') return c;
    if (static_cast<std::uint8_t>(c) < 0x20) return expected("no control character in a string");
    ++at_;
  }
  return expected("the end of a string");
}

Expected<std::string_view> JsonCursor::string(std::string& storage) {
  if (peek() != '"') return expected("a string");
  const std::size_t begin = ++at_;
  RETORT_TRY(const char stop, plain_run());
  if (stop == '\\') return string_with_escapes(begin, storage);
  const std::string_view found = text_.substr(begin, at_ - begin);
  if (!is_valid_utf8(found)) return expected("UTF-8 before this");
  ++at_;
  return found;
}

// What is in the string is judged when it is read.
Status JsonCursor::skip_string() {
  ++at_;
  while (true) {
    RETORT_TRY(const char stop, plain_run());
    ++at_;
    if (stop == '"') return {};
    if (at_ < text_.size()) ++at_;  // the escaped character
  }
}

Expected<std::string_view> JsonCursor::string_with_escapes(std::size_t begin, std::string& storage) {
  storage.assign(text_.substr(begin, at_ - begin));
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '"') {
      if (!is_valid_utf8(storage)) return expected("UTF-8 before this");
      ++at_;
      return std::string_view(storage);
    }
    if (static_cast<std::uint8_t>(c) < 0x20) return expected("no control character in a string");
    ++at_;
    if (c != '\\') {
      storage.push_back(c);
      continue;
    }
    constexpr std::string_view kEscapes = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    if (at_ < text_.size() && text_[at_] == 'u') {
      ++at_;
      RETORT_TRY(char32_t code, hex4());
      if (code >= 0xD800 && code < 0xDC00 && text_.substr(at_, 2) == "\\u") {
        at_ += 2;
        RETORT_TRY(const char32_t low, hex4());
        if (low < 0xDC00 || low > 0xDFFF) return expected("the second half of a surrogate pair before this");
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      } else if (code >= 0xD800 && code < 0xE000) {
        return expected("both halves of a surrogate pair before this");
      }
      append_utf8(storage, code);
      continue;
    }
    const std::size_t which = at_ < text_.size() ? kEscapes.find(text_[at_]) : std::string_view::npos;
    if (which == std::string_view::npos) return expected("an escape sequence");
    storage.push_back(kMeanings[which]);
    ++at_;
  }
  return expected("the end of a string");
}

Expected<std::uint32_t> JsonCursor::hex4() {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i, ++at_) {
    const char c = at_ < text_.size() ? text_[at_] : '\0';
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return expected("four hexadecimal digits");
    value = value << 4 | static_cast<std::uint32_t>(digit);
  }
  return value;
}

Expected<std::int64_t> JsonCursor::integer() {
  peek();
  const bool negative = at_ < text_.size() && text_[at_] == '-';
  std::size_t digit = at_ + (negative ? 1 : 0);
  const std::size_t first = digit;
  std::int64_t value = 0;
  while (digit < text_.size() && text_[digit] >= '0' && text_[digit] <= '9') {
    if (digit - first == 18) return expected("a whole number of at most 18 digits");
    value = value * 10 + (text_[digit++] - '0');
  }
  const char next = digit < text_.size() ? text_[digit] : '\0';
  if (digit == first || next == '.' || next == 'e' || next == 'E') return expected("a whole number");
  at_ = digit;
  return negative ? -value : value;
}

Expected<std::string_view> JsonCursor::skip_value() {
  peek();
  const std::size_t begin = at_;
  std::size_t depth = 0;
  do {
    const char c = peek();
    if (c == '"') {
      RETORT_TRY_STATUS(skip_string());
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxJsonDepth) return expected(fmt::format("at most {} levels of nesting", kMaxJsonDepth));
      ++at_;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return expected("a value");
      --depth;
      ++at_;
    } else if (c == ',' || c == ':') {
      if (depth == 0) return expected("a value");
      ++at_;
    } else if (c == '\0') {
      return expected("a value");
    } else {  // a number or a word
      while (at_ < text_.size() && !is_space(text_[at_]) &&
             std::string_view(",:{}[]\"").find(text_[at_]) == std::string_view::npos) {
        ++at_;
      }
    }
  } while (depth > 0);
  return text_.substr(begin, at_ - begin);
}

Status JsonCursor::end() {
  if (peek() != '\0' || at_ < text_.size()) return expected("the end");
  return {};
}

}  // namespace retort
