#include "text/jinja/lexer.h"

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

#include "text/jinja/fault.h"
#include "text/jinja/unicode.h"

namespace retort::jinja {
namespace {

bool is_digit_char(char c) { return c >= '0' && c <= '9'; }

class Lexer {
 public:
  Lexer(std::string_view source, std::deque<std::string>& strings) : source_(source), strings_(strings) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) data();
    add(TokenType::kEnd, at_, {});
    return std::move(tokens_);
  }

 private:
  std::string_view rest() const { return source_.substr(at_); }
  char peek(std::size_t ahead = 0) const { return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0'; }

  void add(TokenType type, std::size_t offset, std::string_view text, Value number = {}) {
    tokens_.push_back({type, static_cast<std::uint32_t>(offset), text, number});
  }

  void skip_space() {
    while (at_ < source_.size() && is_space(code_point(rest()))) at_ += char_bytes(rest());
  }

  // Text up to the next tag, and the tag.
  void data() {
    const std::size_t start = at_;
    std::size_t tag = source_.find('{', at_);
    while (tag != std::string_view::npos && tag + 1 < source_.size() && source_[tag + 1] != '{' &&
           source_[tag + 1] != '%' && source_[tag + 1] != '#') {
      tag = source_.find('{', tag + 1);
    }
    if (tag == std::string_view::npos || tag + 1 >= source_.size()) {
      at_ = source_.size();
      return add_data(start, source_.substr(start));
    }
    const char kind = source_[tag + 1];
    at_ = tag + 2;
    const char sign = peek() == '-' || peek() == '+' ? source_[at_++] : '\0';
    add_data(start, trimmed(start, tag, sign, kind == '{'));
    if (kind == '#') return comment(tag);
    if (kind == '{') {
      add(TokenType::kVariableBegin, tag, "{{");
      return inside(tag, TokenType::kVariableEnd);
    }
    if (raw(tag)) return;
    add(TokenType::kBlockBegin, tag, "{%");
    inside(tag, TokenType::kBlockEnd);
  }

  void add_data(std::size_t offset, std::string_view text) {
    if (!text.empty()) add(TokenType::kData, offset, text);
  }

  // source[start, end) before a tag: without its trailing white space where the tag has a '-'; without that since the
  // line began where a block or comment has nothing else before it on its line.
  std::string_view trimmed(std::size_t start, std::size_t end, char sign, bool is_variable) const {
    const std::string_view text = source_.substr(start, end - start);
    if (sign == '-') return strip_space(text, Side::kRight);
    if (sign == '+' || is_variable) return text;
    const auto newline = text.rfind('\n');
    const std::size_t line = newline == std::string_view::npos ? 0 : newline + 1;
    const bool at_line_start = line > 0 || start == 0 || source_[start - 1] == '\n';
    return at_line_start && strip_space(text.substr(line), Side::kLeft).empty() ? text.substr(0, line) : text;
  }

  // Takes "%}", "-%}" with all white space behind it, or "+%}"; also the newline behind a plain one where
  // `closing` is of a block or comment. False if it is not here.
  bool take_end(std::string_view closing, bool trims_newline, bool plus_allowed) {
    const std::string_view here = rest();
    if (here.starts_with('-') && here.substr(1).starts_with(closing)) {
      at_ += 1 + closing.size();
      skip_space();
      return true;
    }
    if (plus_allowed && here.starts_with('+') && here.substr(1).starts_with(closing)) {
      at_ += 1 + closing.size();
      return true;
    }
    if (!here.starts_with(closing)) return false;
    at_ += closing.size();
    if (trims_newline && peek() == '\n') ++at_;
    return true;
  }

  void comment(std::size_t tag) {
    const std::size_t close = source_.find("#}", at_);
    if (close == std::string_view::npos) syntax_fault(static_cast<std::uint32_t>(tag), "Missing end of comment tag");
    at_ = close;
    if (close > 0 && (source_[close - 1] == '-' || source_[close - 1] == '+') && close - 1 >= tag + 2) at_ = close - 1;
    take_end("#}", true, true);
  }

  // {% raw %} ... {% endraw %}: text as it is. Restores the position if this is not one.
  bool raw(std::size_t tag) {
    const std::size_t start = at_;
    skip_space();
    if (!rest().starts_with("raw")) return at_ = start, false;
    at_ += 3;
    skip_space();
    if (!take_end("%}", false, false)) return at_ = start, false;
    const std::size_t content = at_;
    for (std::size_t open = source_.find("{%", content); open != std::string_view::npos;
         open = source_.find("{%", open + 2)) {
      at_ = open + 2;
      const char sign = peek() == '-' || peek() == '+' ? source_[at_++] : '\0';
      skip_space();
      if (!rest().starts_with("endraw")) continue;
      at_ += 6;
      skip_space();
      if (!take_end("%}", true, true)) continue;
      add_data(content, trimmed(content, open, sign, false));
      return true;
    }
    syntax_fault(static_cast<std::uint32_t>(tag), "Missing end of raw directive");
  }

  // The tokens of an expression or statement, up to its end.
  void inside(std::size_t tag, TokenType end) {
    std::vector<char> open;
    const bool block = end == TokenType::kBlockEnd;
    for (;;) {
      if (at_ >= source_.size()) {
        syntax_fault(static_cast<std::uint32_t>(tag), "this tag is never closed: expected '{}'", block ? "%}" : "}}");
      }
      const std::size_t offset = at_;
      if (open.empty() && take_end(block ? "%}" : "}}", block, block)) return add(end, offset, block ? "%}" : "}}");
      token(open);
    }
  }

  void token(std::vector<char>& open) {
    const std::size_t offset = at_;
    const char32_t c = code_point(rest());
    if (is_space(c)) return skip_space();
    if (is_digit_char(peek())) return number(offset);
    if (is_word(c)) return name(offset);
    if (c == '\'' || c == '"') return string(offset);
    constexpr std::array<std::string_view, 26> kOperators{"//", "**", "==", "!=", ">=", "<=", "+", "-", "/",
                                                          "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                                          ">",  "<",  "=",  ".",  ":",  "|",  ",", ";"};
    for (const auto op : kOperators) {
      if (!rest().starts_with(op)) continue;
      balance(op.front(), offset, open);
      at_ += op.size();
      return add(TokenType::kOperator, offset, op);
    }
    syntax_fault(static_cast<std::uint32_t>(offset), "unexpected character '{}'", rest().substr(0, char_bytes(rest())));
  }

  static void balance(char op, std::size_t offset, std::vector<char>& open) {
    if (op == '{') open.push_back('}');
    if (op == '[') open.push_back(']');
    if (op == '(') open.push_back(')');
    if (op != '}' && op != ']' && op != ')') return;
    if (open.empty()) syntax_fault(static_cast<std::uint32_t>(offset), "unexpected '{}'", op);
    if (open.back() != op) {
      syntax_fault(static_cast<std::uint32_t>(offset), "unexpected '{}', expected '{}'", op, open.back());
    }
    open.pop_back();
  }

  void name(std::size_t offset) {
    if (!is_identifier_start(code_point(rest()))) {
      syntax_fault(static_cast<std::uint32_t>(offset), "invalid character in identifier");
    }
    while (at_ < source_.size() && is_identifier_part(code_point(rest()))) at_ += char_bytes(rest());
    add(TokenType::kName, offset, source_.substr(offset, at_ - offset));
  }

  void string(std::size_t offset) {
    const char quote = source_[at_++];
    const std::size_t start = at_;
    bool escapes = false;
    while (at_ < source_.size() && source_[at_] != quote) {
      if (source_[at_] == '\\') {
        escapes = true;
        ++at_;
      }
      ++at_;
    }
    if (at_ >= source_.size()) syntax_fault(static_cast<std::uint32_t>(offset), "this string is never closed");
    std::string_view value = source_.substr(start, at_ - start);
    ++at_;
    if (escapes) value = strings_.emplace_back(unescape(value, static_cast<std::uint32_t>(offset)));
    add(TokenType::kString, offset, value);
  }

  // Digits with single underscores between them, as `digit` allows.
  template <typename IsDigit>
  void take_digits(std::string& into, IsDigit digit) {
    while (digit(peek()) || (peek() == '_' && digit(peek(1)))) {
      if (peek() != '_') into += peek();
      ++at_;
    }
  }

  void number(std::size_t offset) {
    std::string digits;
    int base = 10;
    const char marker = static_cast<char>(peek(1) | 0x20);
    if (peek() == '0' && (marker == 'x' || marker == 'o' || marker == 'b')) {
      const auto in_base = [marker](char c) {
        return marker == 'x' ? std::isxdigit(static_cast<unsigned char>(c)) != 0
                             : c >= '0' && c <= (marker == 'o' ? '7' : '1');
      };
      if (in_base(peek(2)) || (peek(2) == '_' && in_base(peek(3)))) {
        base = marker == 'x' ? 16 : marker == 'o' ? 8 : 2;
        at_ += 2;
        take_digits(digits, in_base);
        return add_integer(offset, digits, base);
      }
    }
    take_digits(digits, is_digit_char);
    const std::size_t integer_end = at_;
    const bool after_dot = offset > 0 && source_[offset - 1] == '.';  // a.1.2 is two subscripts
    if (!after_dot && take_fraction(digits)) {
      double real = 0;
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), real);
      if (error == std::errc::result_out_of_range) real = huge(digits) ? HUGE_VAL : 0.0;
      return add(TokenType::kNumber, offset, source_.substr(offset, at_ - offset), of_float(real));
    }
    at_ = integer_end;
    // 0 may be repeated; other numbers do not begin with it.
    if (digits.size() > 1 && digits[0] == '0' && digits.find_first_not_of('0') != std::string::npos) {
      syntax_fault(static_cast<std::uint32_t>(offset), "an integer must not begin with 0");
    }
    add_integer(offset, digits, base);
  }

  static bool huge(const std::string& digits) {
    const auto e = digits.find_first_of("eE");
    return e == std::string::npos || e + 1 >= digits.size() || digits[e + 1] != '-';
  }

  // ".5", "e-3", ".5e3" behind the digits before it.
  bool take_fraction(std::string& digits) {
    const std::size_t start = at_;
    std::string text = digits;
    bool any = false;
    if (peek() == '.' && is_digit_char(peek(1))) {
      text += '.';
      ++at_;
      take_digits(text, is_digit_char);
      any = true;
    }
    if (peek() == 'e' || peek() == 'E') {
      const bool sign = peek(1) == '+' || peek(1) == '-';
      if (is_digit_char(peek(sign ? 2 : 1))) {
        text += 'e';
        if (peek(1) == '-') text += '-';
        at_ += sign ? 2 : 1;
        take_digits(text, is_digit_char);
        any = true;
      }
    }
    if (!any) {
      at_ = start;
      return false;
    }
    digits = text;
    return true;
  }

  void add_integer(std::size_t offset, const std::string& digits, int base) {
    std::uint64_t magnitude = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, base);
    if (error != std::errc{}) syntax_fault(static_cast<std::uint32_t>(offset), "an integer is beyond 64 bits");
    const bool big = magnitude > static_cast<std::uint64_t>(INT64_MAX);
    add(TokenType::kNumber, offset, source_.substr(offset, at_ - offset),
        big ? of_big(magnitude) : of_int(static_cast<std::int64_t>(magnitude)));
  }

  std::string_view source_;
  std::deque<std::string>& strings_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
};

}  // namespace

std::string normalize_source(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      out += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    } else {
      out += source[i];
    }
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

std::vector<Token> tokenize(std::string_view source, std::deque<std::string>& strings) {
  return Lexer(source, strings).run();
}

std::string unescape(std::string_view inside, std::uint32_t offset) {
  std::string out;
  for (std::size_t i = 0; i < inside.size(); ++i) {
    if (inside[i] != '\\') {
      out += inside[i];
      continue;
    }
    const char c = inside[++i];  // a backslash is never last: it would have taken the quote
    const auto hex = [&](std::size_t digits) {
      const std::string_view text = inside.substr(i + 1, digits);
      std::uint32_t code = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), code, 16);
      if (text.size() != digits || error != std::errc{} || end != text.data() + text.size()) {
        syntax_fault(offset, "truncated \\{} escape in a string", c);
      }
      if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
        syntax_fault(offset, "\\{} escape in a string is no character", c);
      }
      append_utf8(out, code);
      i += digits;
    };
    switch (c) {
      case '\n':
        break;
      case 'n':
        out += '\n';
        break;
      case 't':
        out += '\t';
        break;
      case 'r':
        out += '\r';
        break;
      case 'a':
        out += '\a';
        break;
      case 'b':
        out += '\b';
        break;
      case 'f':
        out += '\f';
        break;
      case 'v':
        out += '\v';
        break;
      case '\\':
      case '\'':
      case '"':
        out += c;
        break;
      case 'x':
        hex(2);
        break;
      case 'u':
        hex(4);
        break;
      case 'U':
        hex(8);
        break;
      case 'N':
        syntax_fault(offset, "\\N escapes are not supported");
      default:
        if (c >= '0' && c <= '7') {
          std::uint32_t code = 0;
          std::size_t digits = 0;
          while (digits < 3 && i + digits < inside.size() && inside[i + digits] >= '0' && inside[i + digits] <= '7') {
            code = code * 8 + static_cast<std::uint32_t>(inside[i + digits++] - '0');
          }
          append_utf8(out, code);
          i += digits - 1;
        } else {
          out += '\\';
          out += c;
        }
    }
  }
  return out;
}

}  // namespace retort::jinja
