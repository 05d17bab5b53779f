#include "grade/maths/lexer.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/ascii.h"
#include "grade/maths/characters.h"
#include "grade/maths/words.h"

namespace retort::grade {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

constexpr auto kFunctions = std::to_array<std::string_view>(
    {"abs",    "acos",    "acosh",  "acot",    "arccos", "arccosh", "arccot", "arccsc", "arcsec",
     "arcsin", "arcsinh", "arctan", "arctanh", "arcosh", "arsinh",  "artanh", "asin",   "asinh",
     "atan",   "atanh",   "cbrt",   "ceil",    "cos",    "cosh",    "cot",    "coth",   "csc",
     "csch",   "det",     "exp",    "floor",   "gcd",    "lcm",     "lg",     "ln",     "log",
     "max",    "min",     "sec",    "sech",    "sin",    "sinh",    "sqrt",   "tan",    "tanh"});

/// What a command or a plain word stands for, as a token of another kind.
using Meaning = std::pair<std::string_view, std::string_view>;
constexpr auto kCommandSymbols = std::to_array<Meaning>({{"%", "%"},
                                                         {"$", ""},
                                                         {"&", ""},
                                                         {"#", ""},
                                                         {"{", "\\{"},
                                                         {"}", "\\}"},
                                                         {"lbrace", "\\{"},
                                                         {"rbrace", "\\}"},
                                                         {"lbrack", "["},
                                                         {"rbrack", "]"},
                                                         {"langle", "("},
                                                         {"rangle", ")"},
                                                         {"lparen", "("},
                                                         {"rparen", ")"},
                                                         {"vert", "|"},
                                                         {"lvert", "|"},
                                                         {"rvert", "|"},
                                                         {"|", "|"},
                                                         {"Vert", "|"},
                                                         {"mid", "|"},
                                                         {"colon", ":"},
                                                         {"cdot", "*"},
                                                         {"times", "*"},
                                                         {"ast", "*"},
                                                         {"bullet", "*"},
                                                         {"div", "/"},
                                                         {"pm", "+-"},
                                                         {"mp", "-+"},
                                                         {"le", "<="},
                                                         {"leq", "<="},
                                                         {"leqslant", "<="},
                                                         {"leqq", "<="},
                                                         {"ge", ">="},
                                                         {"geq", ">="},
                                                         {"geqslant", ">="},
                                                         {"geqq", ">="},
                                                         {"lt", "<"},
                                                         {"gt", ">"},
                                                         {"ne", "!="},
                                                         {"neq", "!="},
                                                         {"approx", "~"},
                                                         {"approxeq", "~"},
                                                         {"simeq", "~"},
                                                         {"sim", "~"},
                                                         {"doteq", "~"},
                                                         {"thickapprox", "~"},
                                                         {"equiv", "="},
                                                         {"triangleq", "="},
                                                         {"coloneqq", "="},
                                                         {"in", "in"},
                                                         {"cup", "cup"},
                                                         {"cap", "cap"},
                                                         {"bigcup", "cup"},
                                                         {"bigcap", "cap"},
                                                         {"setminus", "setminus"},
                                                         {"backslash", "setminus"},
                                                         {"smallsetminus", "setminus"},
                                                         {"lfloor", "floor("},
                                                         {"rfloor", ")floor"},
                                                         {"lceil", "ceil("},
                                                         {"rceil", ")ceil"},
                                                         {"circ", "circ"},
                                                         {"degree", "circ"},
                                                         {"prime", "'"},
                                                         {"to", "->"},
                                                         {"rightarrow", "->"},
                                                         {"Rightarrow", "=>"},
                                                         {"implies", "=>"},
                                                         {"land", ","},
                                                         {"wedge", ","},
                                                         {"lor", ","},
                                                         {"vee", ","},
                                                         {"ldots", "..."},
                                                         {"dots", "..."},
                                                         {"cdots", "..."},
                                                         {"infty", "\\infty"},
                                                         {"\\", "\\\\"},
                                                         {"cr", "\\\\"},
                                                         {"newline", "\\\\"}});

constexpr auto kArgumentCommands =
    std::to_array<std::string_view>({"frac", "sqrt", "binom", "begin", "end", "overline", "boxed"});

template <std::size_t kCount>
bool listed(const std::array<std::string_view, kCount>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

class Lexer {
 public:
  explicit Lexer(std::string text) : text_(std::move(text)) {}

  Expected<std::vector<LatexToken>> run() {
    while (at_ < text_.size()) {
      if (auto status = step(); !status) return fail(std::move(status).error());
    }
    push(TokenKind::kEnd, "");
    return std::move(out_);
  }

 private:
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  [[nodiscard]] std::string_view rest() const { return std::string_view(text_).substr(at_); }

  void push(TokenKind kind, std::string text) {
    out_.push_back({.kind = kind, .text = std::move(text), .space_before = space_});
    space_ = false;
  }
  void symbol(std::string text) {
    if (text == "(" || text == "[" || text == "\\{") ++depth_;
    if (text == ")" || text == "]" || text == "\\}") --depth_;
    push(TokenKind::kSymbol, std::move(text));
  }

  /// Whether the last token ends a quantity, so that a word behind it is its unit.
  [[nodiscard]] bool behind_operand() const {
    if (out_.empty()) return false;
    const LatexToken& last = out_.back();
    return last.kind == TokenKind::kNumber || last.kind == TokenKind::kText ||
           (last.kind == TokenKind::kName && !is_function_name(last.text)) ||
           (last.kind == TokenKind::kSymbol &&
            (last.text == ")" || last.text == "}" || last.text == "]" || last.text == "%" || last.text == "\\infty"));
  }

  Status step() {
    const char c = peek();
    if (is_space(c) || c == '~') {
      space_ = true;
      ++at_;
      return {};
    }
    if (c == '\\') return command();
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) {
      number();
      return {};
    }
    if (is_letter(c)) {
      letters();
      return {};
    }
    if (static_cast<unsigned char>(c) >= 0x80) {
      other_script();
      return {};
    }
    punctuation();
    return {};
  }

  /// At `at_` + ahead: a separator of thousands and three digits behind it, no fourth. Its length, or 0.
  [[nodiscard]] std::size_t separator(std::size_t ahead) const {
    const std::string_view here = rest().substr(std::min(ahead, rest().size()));
    std::size_t length = 0;
    if (here.starts_with("{,}")) {
      length = 3;
    } else if (here.starts_with(",\\!") || here.starts_with("\\!,") || here.starts_with("{,\\!}")) {
      length = here.front() == '{' ? 5 : 3;
      while (length < here.size() && here[length] == ' ') ++length;
    } else if (here.starts_with("\\,") && depth_ == 0) {
      length = 2;
    } else if ((here.starts_with(",") || here.starts_with(" ")) && depth_ == 0) {
      length = 1;
    }
    if (length == 0) return 0;
    for (std::size_t i = 0; i < 3; ++i) {
      if (length + i >= here.size() || !is_digit(here[length + i])) return 0;
    }
    return length + 3 < here.size() && is_digit(here[length + 3]) ? 0 : length;
  }

  void number() {
    std::string digits;
    while (is_digit(peek())) digits += text_[at_++];
    if (!digits.empty() && digits.size() <= 3) {
      while (const std::size_t length = separator(0)) {
        at_ += length;
        for (int i = 0; i < 3; ++i) digits += text_[at_++];
      }
    }
    if (peek() == '.' && is_digit(peek(1))) {
      digits += text_[at_++];
      while (is_digit(peek())) digits += text_[at_++];
    } else if (peek() == '.' && !is_digit(peek(1)) && peek(1) != '.') {
      // "5." is a number and perhaps the end of a sentence; "0.\overline{3}" wants its point.
      if (rest().starts_with(".\\overline")) digits += '.';
      ++at_;
    }
    const char e = peek();
    const std::size_t sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
    if ((e == 'e' || e == 'E') && is_digit(peek(1 + sign)) &&
        (e == 'E' || sign == 1 || digits.find('.') != std::string::npos)) {
      digits += 'e';
      ++at_;
      if (peek() == '-') digits += '-';
      at_ += sign;
      while (is_digit(peek())) digits += text_[at_++];
    }
    push(TokenKind::kNumber, std::move(digits));
  }

  void name(std::string_view word) { push(TokenKind::kName, std::string(word)); }

  void letters() {
    const std::size_t first = at_;
    while (is_letter(peek())) ++at_;
    const std::string word = text_.substr(first, at_ - first);
    const std::string small = lower_case(word);
    if (small == "and" || small == "or") return symbol(small);
    if (small == "union") return symbol("cup");
    if (small == "percent" || small == "pct") return symbol("%");
    if (small == "infinity" || small == "infty" || small == "oo" || (small == "inf" && word != "INF")) {
      return symbol("\\infty");
    }
    if (small == "pi") return name("pi");
    if (small == "in" && space_ && !behind_number()) return symbol("in");
    if (is_function_name(word)) return name(word);
    if ((word.size() >= 2 && behind_operand() && is_unit_word(small)) || (word.size() >= 4 && !splits(word))) {
      return push(TokenKind::kText, word);
    }
    split(word);
  }
  [[nodiscard]] bool behind_number() const { return !out_.empty() && out_.back().kind == TokenKind::kNumber; }

  /// "sinx": a function's name and one or two letters behind it. Its length, or 0.
  static std::size_t function_prefix(std::string_view word) {
    for (std::size_t length = word.size() - 1; length >= 2; --length) {
      if (word.size() - length <= 2 && is_function_name(word.substr(0, length))) return length;
    }
    return 0;
  }
  static bool splits(std::string_view word) { return function_prefix(word) != 0; }
  void split(std::string_view word) {
    if (word.size() > 2) {
      if (const std::size_t length = function_prefix(word)) {
        name(word.substr(0, length));
        word.remove_prefix(length);
      }
    }
    for (const char c : word) name(std::string_view(&c, 1));
  }

  void other_script() {
    const std::size_t first = at_;
    while (at_ < text_.size() && static_cast<unsigned char>(text_[at_]) >= 0x80) ++at_;
    push(TokenKind::kText, text_.substr(first, at_ - first));
  }

  void punctuation() {
    static constexpr auto kPairs = std::to_array<Meaning>({{"**", "^"},
                                                           {"<=", "<="},
                                                           {">=", ">="},
                                                           {"!=", "!="},
                                                           {"==", "="},
                                                           {"->", "->"},
                                                           {"=>", "=>"},
                                                           {"+/-", "+-"},
                                                           {"+-", "+-"},
                                                           {"...", "..."}});
    for (const auto& [spelling, meaning] : kPairs) {
      if (rest().starts_with(spelling)) {
        at_ += spelling.size();
        return symbol(std::string(meaning));
      }
    }
    const char c = text_[at_++];
    if (c == '$' || c == '`' || c == '"' || c == '#') return;
    symbol(std::string(1, c));
  }

  Status command() {
    ++at_;
    if (at_ >= text_.size()) return {};
    std::string word;
    if (is_letter(peek())) {
      while (is_letter(peek())) word += text_[at_++];
    } else {
      word = text_[at_++];
    }
    if (word == "!") return {};
    if (word == "," || word == ";" || word == ":" || word == " " || word == "\n") {
      space_ = true;
      return {};
    }
    if (word == "(" || word == ")" || word == "[" || word == "]") return {};  // where mathematics begins and ends
    return named_command(word);
  }

  Status named_command(const std::string& word) {
    if (is_text_command(word)) return text_command();
    if (is_layout_command(word)) {
      if (word == "quad" || word == "qquad") space_ = true;
      if ((word == "left" || word == "right") && peek() == '.') ++at_;
      return {};
    }
    if (word == "mathbb") {
      const std::size_t skip = peek() == '{' ? 1 : 0;
      push(TokenKind::kName, "mathbb_" + std::string(1, peek(skip)));
      at_ = std::min(text_.size(), at_ + 1 + 2 * skip);
      return {};
    }
    if (word == "dfrac" || word == "tfrac" || word == "cfrac") {
      push(TokenKind::kCommand, "frac");
      return {};
    }
    if (word == "dbinom" || word == "tbinom") {
      push(TokenKind::kCommand, "binom");
      return {};
    }
    if (listed(kArgumentCommands, word)) {
      push(TokenKind::kCommand, word);
      return {};
    }
    for (const auto& [spelling, meaning] : kCommandSymbols) {
      if (spelling != word) continue;
      if (!meaning.empty()) symbol(std::string(meaning));
      return {};
    }
    if (word == "emptyset" || word == "varnothing") {
      symbol("\\{");
      symbol("\\}");
      return {};
    }
    if (word.starts_with("var") && word.size() > 3) {
      name(std::string_view(word).substr(3));
      return {};
    }
    // "\quadx": a command and a letter that grew together.
    for (const std::string_view prefix : {"qquad", "quad"}) {
      if (!word.starts_with(prefix)) continue;
      space_ = true;
      split(std::string_view(word).substr(prefix.size()));
      return {};
    }
    name(word);
    return {};
  }

  Status text_command() {
    while (peek() == ' ') ++at_;
    if (peek() != '{') return {};
    const std::size_t first = at_ + 1;
    int depth = 0;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '{') ++depth;
      if (text_[at_] == '}' && --depth == 0) break;
    }
    if (depth != 0) return fail(ErrorCode::kInvalidArgument, "the braces of a \\text are not closed");
    const std::string_view content = trimmed(std::string_view(text_).substr(first, at_ - first));
    ++at_;
    const std::string small = lower_case(content);
    if (small == "and" || small == "or" || small == ", and" || small == ",") {
      symbol(small == "or" ? "or" : small == "," ? "," : "and");
    } else if (content.size() == 1 && is_letter(content[0])) {
      name(content);
    } else if (content.size() == 1 || is_function_name(content)) {
      if (is_letter(content[0])) name(content);
      if (is_digit(content[0])) push(TokenKind::kNumber, std::string(content));
    } else if (!content.empty()) {
      push(TokenKind::kText, std::string(content));
    }
    space_ = true;
    return {};
  }

  std::string text_;
  std::size_t at_ = 0;
  bool space_ = false;
  int depth_ = 0;  ///< of brackets in which a comma separates
  std::vector<LatexToken> out_;
};

}  // namespace

bool is_function_name(std::string_view name) { return listed(kFunctions, name); }

Expected<std::vector<LatexToken>> lex_answer(std::string_view text) {
  if (text.size() > kMaxAnswerBytes) {
    return fail(ErrorCode::kOutOfRange, "an answer of {} bytes; at most {} are read", text.size(), kMaxAnswerBytes);
  }
  return Lexer(to_plain_characters(text)).run();
}

}  // namespace retort::grade
