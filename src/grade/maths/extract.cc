#include "grade/maths/extract.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "core/ascii.h"
#include "grade/maths/characters.h"
#include "grade/maths/lexer.h"
#include "grade/maths/words.h"

namespace retort::grade {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }

/// A stretch of the text, and what it says.
struct Span {
  std::size_t begin;
  std::size_t end;
  std::string_view content;
};

/// The formulas of a text: $...$, $$...$$, \(...\), \[...\].
std::vector<Span> formulas(std::string_view text) {
  std::vector<Span> out;
  std::string_view
      never_closed;  // looked for once in vain: not again, a thousand openings must not cost a thousand scans
  std::string_view never_closed_either;
  for (std::size_t at = 0; at + 1 < text.size();) {
    std::string_view close;
    std::size_t open = 2;
    if (text[at] == '\\' && text[at + 1] == '(') {
      close = "\\)";
    } else if (text[at] == '\\' && text[at + 1] == '[') {
      close = "\\]";
    } else if (text[at] == '$' && text[at + 1] == '$') {
      close = "$$";
    } else if (text[at] == '$' && (at == 0 || text[at - 1] != '\\')) {
      close = "$";
      open = 1;
    } else {
      at += text[at] == '\\' ? 2 : 1;
      continue;
    }
    const bool hopeless = close == never_closed || close == never_closed_either;
    const std::size_t end = hopeless ? std::string_view::npos : text.find(close, at + open);
    if (end == std::string_view::npos) {
      if (!hopeless) never_closed_either = std::exchange(never_closed, close);
      at += open;
      continue;
    }
    const std::string_view content = trimmed(text.substr(at + open, end - at - open));
    if (!content.empty()) out.push_back({at, end + close.size(), content});
    at = end + close.size();
  }
  return out;
}

/// Digits with their separators at `at`: "1,234.50", "1 000", ".5", "1000,99". Where they end.
std::size_t end_of_digits(std::string_view text, std::size_t at) {
  const auto three_digits = [&](std::size_t i) {
    return i + 3 <= text.size() && is_digit(text[i]) && is_digit(text[i + 1]) && is_digit(text[i + 2]) &&
           (i + 3 == text.size() || !is_digit(text[i + 3]));
  };
  std::size_t i = at;
  while (i < text.size() && is_digit(text[i])) ++i;
  if (i - at <= 3 && i > at) {
    while (i < text.size() && (text[i] == ',' || text[i] == ' ') && three_digits(i + 1)) i += 4;
  }
  if (i < text.size() && (text[i] == '.' || (text[i] == ',' && !three_digits(i + 1))) && i + 1 < text.size() &&
      is_digit(text[i + 1])) {
    ++i;
    while (i < text.size() && is_digit(text[i])) ++i;
  }
  return i;
}

/// The last number, with sign, fraction and percent sign.
std::optional<Span> number_span(std::string_view text) {
  std::optional<Span> last;
  for (std::size_t at = 0; at < text.size();) {
    const bool begins = is_digit(text[at]) || (text[at] == '.' && at + 1 < text.size() && is_digit(text[at + 1]));
    const bool within_word = at > 0 && (is_letter(text[at - 1]) || text[at - 1] == '_');
    if (!begins) {
      ++at;
      continue;
    }
    std::size_t end = end_of_digits(text, at);
    if (within_word) {
      at = end + 1;
      continue;
    }
    if (end + 1 < text.size() && text[end] == '/' && is_digit(text[end + 1])) end = end_of_digits(text, end + 1);
    if (end < text.size() && is_letter(text[end]) && end + 1 < text.size() && is_digit(text[end + 1])) {
      at = end + 1;  // the middle of an identifier
      continue;
    }
    std::size_t begin = at;
    if (begin > 0 && text[begin - 1] == '$') --begin;
    const bool signed_number = begin > 0 && (text[begin - 1] == '-' || text[begin - 1] == '+') &&
                               (begin == 1 || (!is_digit(text[begin - 2]) && !is_letter(text[begin - 2]) &&
                                               text[begin - 2] != ')' && text[begin - 2] != '}'));
    if (signed_number) --begin;
    std::size_t behind = end;
    while (behind < text.size() && text[behind] == ' ') ++behind;
    if (behind < text.size() && text[behind] == '\\') ++behind;
    if (behind < text.size() && text[behind] == '%') end = behind + 1;
    last = Span{begin, end, text.substr(begin, end - begin)};
    at = end;
  }
  return last;
}

std::string without_currency(std::string_view number) {
  std::string out;
  for (const char c : number) {
    if (c != '$' && c != '\\') out += c;
  }
  return out;
}

/// A sentence's verb, of sentences about results.
bool is_verb(std::string_view word) {
  static constexpr auto kVerbs = std::to_array<std::string_view>({"are", "becomes", "equals", "gives", "is", "yields"});
  return std::find(kVerbs.begin(), kVerbs.end(), word) != kVerbs.end();
}

/// Whether words make a sentence of a text: a verb among them does, and more than `most` of two letters and more that are
/// neither a function's name nor a unit nor a command.
bool is_prose(std::string_view text, int most) {
  int count = 0;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t first = i;
    while (i < text.size() && is_letter(text[i])) ++i;
    std::string word(text.substr(first, i - first));
    if (word.empty()) {
      ++i;
      continue;
    }
    if (word.size() < 2 || (first > 0 && text[first - 1] == '\\') || is_function_name(word)) continue;
    word = lower_case(word);
    if (is_unit_word(word) || word == "and" || word == "or" || word == "infinity" || word == "pi" || word == "union" ||
        word == "percent" || word == "pct") {
      continue;
    }
    if (is_verb(word) || ++count > most) return true;
  }
  return false;
}

/// Whether a text is an answer by itself: short, and no sentence of words or of a script without spaces.
bool is_bare(std::string_view text) {
  constexpr std::size_t kMaxBareBytes = 512;
  constexpr int kMaxBareWords = 2;
  if (text.empty() || text.size() > kMaxBareBytes || is_prose(text, kMaxBareWords)) return false;
  const bool digits = std::any_of(text.begin(), text.end(), is_digit);
  std::size_t foreign = 0;
  for (const char c : text) foreign += static_cast<unsigned char>(c) >= 0xd0 ? 1 : 0;  // Greek lies below
  return foreign == 0 || (!digits && foreign <= 16);
}

/// Cuts at the end of the sentence or line, keeping decimal points.
std::string_view first_sentence(std::string_view text) {
  text = trimmed(text);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && i + 1 < text.size() && text[i + 1] == '\n') return text.substr(0, i);
    if (text[i] == '.' && (i + 1 == text.size() || is_space(text[i + 1]))) return text.substr(0, i);
    if (text.substr(i).starts_with("<|")) return text.substr(0, i);
  }
  return text;
}

std::optional<std::string> last_formula_or_number(std::string_view text) {
  const std::vector<Span> spans = formulas(text);
  const std::optional<Span> number = number_span(text);
  if (!spans.empty() && (!number || number->begin < spans.back().end)) return std::string(spans.back().content);
  if (number) return without_currency(number->content);
  return std::nullopt;
}

/// Behind the last announcement of an answer; npos without one.
std::size_t behind_announcement(std::string_view text) {
  static constexpr auto kAnnouncements = std::to_array<std::string_view>(
      {"answer is", "answer:", "answer =", "answer to the question is", "answer should be", "answer must be",
       "réponse est", "réponse :", "答案是", "答案为", "答案：", "答案:"});
  const std::string small = lower_case(text);
  std::size_t best = std::string_view::npos;
  for (const std::string_view announcement : kAnnouncements) {
    const std::size_t found = small.rfind(announcement);
    if (found == std::string::npos) continue;
    const std::size_t behind = found + announcement.size();
    if (best == std::string_view::npos || behind > best) best = behind;
  }
  return best;
}

std::optional<std::string> announced(std::string_view text) {
  const std::size_t behind = behind_announcement(text);
  if (behind == std::string_view::npos) return std::nullopt;
  std::string_view rest = text.substr(behind);
  while (!rest.empty() && (is_space(rest.front()) || rest.front() == ':' || rest.front() == '*')) rest.remove_prefix(1);
  const std::vector<Span> spans = formulas(rest);
  if (!spans.empty() && spans.front().begin == 0) return std::string(spans.front().content);
  const std::string_view sentence = first_sentence(rest);
  if (is_bare(sentence)) {
    std::string_view bare = sentence;
    while (!bare.empty() && bare.back() == '*') bare.remove_suffix(1);
    if (!bare.empty()) return std::string(bare);
  }
  return last_formula_or_number(sentence);
}

/// Some data has every backslash twice.
std::string with_single_backslashes(std::string_view text) {
  std::string out(text);
  const bool doubled = out.find("\\\\boxed") != std::string::npos || out.find("\\\\frac") != std::string::npos ||
                       out.find("\\\\left") != std::string::npos || out.find("\\\\sqrt") != std::string::npos;
  if (!doubled) return out;
  std::string single;
  for (std::size_t i = 0; i < out.size(); ++i) {
    single += out[i];
    if (out[i] == '\\' && i + 2 < out.size() && out[i + 1] == '\\' && is_letter(out[i + 2])) ++i;
  }
  return single;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) {
    if (!out.empty()) out += ", ";
    out += part;
  }
  return out;
}

/// "$...$" as a whole, without its dollars.
std::string_view without_delimiters(std::string_view text) {
  text = trimmed(text);
  const std::vector<Span> spans = formulas(text);
  if (spans.size() == 1 && spans[0].begin == 0 && spans[0].end == text.size()) return spans[0].content;
  return text;
}

}  // namespace

std::optional<std::string> last_number(std::string_view text) {
  const std::optional<Span> span = number_span(text);
  if (!span) return std::nullopt;
  return without_currency(span->content);
}

std::optional<std::string> extract_answer(std::string_view response, AnswerSearch search) {
  const std::string text = with_single_backslashes(response);
  if (const std::vector<std::string> boxes = last_boxes(text); !boxes.empty()) return joined(boxes);
  if (search == AnswerSearch::kBoxedOnly) return std::nullopt;
  if (std::optional<std::string> found = announced(text)) return found;
  if (is_bare(trimmed(text))) return std::string(without_delimiters(text));
  return last_formula_or_number(text);
}

std::string gold_answer(std::string_view gold) {
  const std::string text = with_single_backslashes(gold);
  if (const std::vector<std::string> boxes = last_boxes(text); !boxes.empty()) return joined(boxes);
  return std::string(without_delimiters(text));
}

}  // namespace retort::grade
