// Hand-written scanners for the pretokenizer expressions of the Qwen and GPT families.
//
// Each alternative of the expression is one step below, tried in the expression's order; a comment quotes it. The
// oracle is PCRE2 running the expression itself (scanner_test.cc).
#include "text/pretokenizer.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace retort {

namespace patterns {
const std::string_view kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string_view kGpt4 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string_view kGpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
}  // namespace patterns

namespace {

using namespace char_class;

struct Scan {
  std::string_view text;
  const UnicodeTable& table = UnicodeTable::instance();

  struct Seen {
    std::uint8_t kind = 0;     // char_class bits
    std::uint32_t length = 0;  // 0 at the end of the text
  };
  [[nodiscard]] Seen at(std::size_t i) const {
    if (i >= text.size()) return {};
    const auto byte = static_cast<std::uint8_t>(text[i]);
    if (byte < 0x80) return {table.of_ascii(byte), 1};
    const Utf8Char c = decode_utf8(text.substr(i));
    // A byte that is not UTF-8 is a symbol by itself.
    return c.code == Utf8Char::kInvalid ? Seen{0, 1} : Seen{table.of(c.code), c.length};
  }
  /// End of the run from `i` of characters with any (or, kNone, with none) of `kinds`.
  enum class Having { kAny, kNone };
  [[nodiscard]] std::size_t run(std::size_t i, std::uint8_t kinds, Having having = Having::kAny) const {
    while (true) {
      const Seen seen = at(i);
      if (seen.length == 0 || ((seen.kind & kinds) != 0) != (having == Having::kAny)) return i;
      i += seen.length;
    }
  }
};

enum class Case { kFold, kExact };

// Bytes of 's 't 're 've 'm 'll 'd after an apostrophe at `i`, the apostrophe included; 0 if none is there.
template <Case kCase>
std::size_t contraction(std::string_view text, std::size_t i) {
  const auto letter = [&](std::size_t at) -> char {
    if (at >= text.size()) return '\0';
    const char c = text[at];
    return kCase == Case::kFold && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  const char first = letter(i + 1);
  const char second = letter(i + 2);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  if ((first == 'r' || first == 'v') && second == 'e') return 3;
  if (first == 'l' && second == 'l') return 3;
  // U+017F, the long s (C5 BF), is an s to a matcher that ignores case.
  if (kCase == Case::kFold && first == '\xC5' && second == '\xBF') return 3;
  return 0;
}

// From whitespace at `i`: \s+(?!\S)|\s+ , that is, a run up to its last character, which is left to what follows;
// all of it at the end of the text; a single one by itself.
std::size_t spaces_end(std::string_view text, std::size_t i, std::size_t run_end, std::size_t last_begin) {
  return run_end == text.size() || last_begin == i ? run_end : last_begin;
}

// End of the piece that begins at `i` < text.size(), for
// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,kDigits}|
// ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
template <int kDigits>
std::size_t gpt4_piece(const Scan& scan, std::size_t i) {
  const std::string_view text = scan.text;
  if (text[i] == '\'') {
    if (const std::size_t length = contraction<Case::kFold>(text, i)) return i + length;
  }
  const Scan::Seen first = scan.at(i);
  std::size_t next = i + first.length;
  // [^\r\n\p{L}\p{N}]?\p{L}+
  if (first.kind & kLetter) return scan.run(next, kLetter);
  const Scan::Seen second = scan.at(next);
  if (!(first.kind & (kNewline | kNumber)) && (second.kind & kLetter)) return scan.run(next + second.length, kLetter);
  // \p{N}{1,kDigits}
  if (first.kind & kNumber) {
    for (int digits = 1; digits < kDigits; ++digits) {
      const Scan::Seen digit = scan.at(next);
      if (!(digit.kind & kNumber)) break;
      next += digit.length;
    }
    return next;
  }
  // " ?[^\s\p{L}\p{N}]+[\r\n]*"
  constexpr std::uint8_t kNotSymbol = kSpace | kLetter | kNumber;
  const bool symbol_after_space = text[i] == ' ' && second.length != 0 && !(second.kind & kNotSymbol);
  if (!(first.kind & kNotSymbol) || symbol_after_space) {
    return scan.run(scan.run(next, kNotSymbol, Scan::Having::kNone), kNewline);
  }
  // Whitespace. \s*[\r\n]+ ends after the run's last line break, if it has one.
  std::size_t last_begin = i;
  std::size_t run_end = next;
  std::size_t newline_end = first.kind & kNewline ? next : 0;
  for (Scan::Seen seen = second; seen.kind & kSpace; seen = scan.at(run_end)) {
    last_begin = run_end;
    run_end += seen.length;
    if (seen.kind & kNewline) newline_end = run_end;
  }
  return newline_end != 0 ? newline_end : spaces_end(text, i, run_end, last_begin);
}

// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
std::size_t gpt2_piece(const Scan& scan, std::size_t i) {
  const std::string_view text = scan.text;
  if (text[i] == '\'') {
    if (const std::size_t length = contraction<Case::kExact>(text, i)) return i + length;
  }
  constexpr std::uint8_t kNotSymbol = kSpace | kLetter | kNumber;
  const Scan::Seen first = scan.at(i);
  const std::size_t word = i + (text[i] == ' ' ? 1 : 0);
  const Scan::Seen head = word == i ? first : scan.at(word);
  if (head.kind & kLetter) return scan.run(word, kLetter);
  if (head.kind & kNumber) return scan.run(word, kNumber);
  if (head.length != 0 && !(head.kind & kNotSymbol)) return scan.run(word, kNotSymbol, Scan::Having::kNone);
  std::size_t last_begin = i;
  std::size_t run_end = i + first.length;
  for (Scan::Seen seen = scan.at(run_end); seen.kind & kSpace; seen = scan.at(run_end)) {
    last_begin = run_end;
    run_end += seen.length;
  }
  return spaces_end(text, i, run_end, last_begin);
}

template <std::size_t (*kPiece)(const Scan&, std::size_t)>
std::size_t scan_pieces(std::string_view text, std::size_t begin, std::span<std::size_t> ends) {
  const Scan scan{text};
  std::size_t count = 0;
  while (count < ends.size() && begin < text.size()) ends[count++] = begin = kPiece(scan, begin);
  return count;
}

}  // namespace

Scanner scanner_for(std::string_view pattern) {
  if (pattern == patterns::kQwen2) return scan_pieces<gpt4_piece<1>>;
  if (pattern == patterns::kGpt4) return scan_pieces<gpt4_piece<3>>;
  if (pattern == patterns::kGpt2) return scan_pieces<gpt2_piece>;
  return nullptr;
}

}  // namespace retort
