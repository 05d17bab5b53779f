#include "grade/steps/chains.h"

#include <cctype>
#include <utility>

#include "grade/maths/characters.h"
#include "grade/maths/lexer.h"

namespace retort::grade {
namespace {

constexpr std::size_t kMaxSideBytes = 400;

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Collects one run of mathematics and gives it up as a chain.
class RunBuilder {
 public:
  explicit RunBuilder(std::size_t begin) : begin_(begin) {}
  void add(std::string_view piece) { side_ += piece; }
  void sign(char sign) {
    sides_.push_back(std::exchange(side_, std::string()));
    signs_.push_back(sign);
  }
  [[nodiscard]] bool has_sign() const { return !signs_.empty(); }
  /// Whether what stands last could have a unit behind it.
  [[nodiscard]] bool behind_value() const {
    for (std::size_t i = side_.size(); i-- > 0;) {
      if (side_[i] == ' ') continue;
      return is_digit(side_[i]) || side_[i] == ')' || side_[i] == '}' || side_[i] == '%' || is_letter(side_[i]);
    }
    return false;
  }
  [[nodiscard]] bool blank() const { return side_.find_first_not_of(' ') == std::string::npos; }
  EquationChain finish(std::size_t end) {
    sides_.push_back(side_);
    if (blank()) {  // "so 48 / 2 =" and no more
      sides_.pop_back();
      signs_.pop_back();
    }
    return {std::move(sides_), std::move(signs_), begin_, end};
  }

 private:
  std::size_t begin_;
  std::string side_;
  std::vector<std::string> sides_;
  std::vector<char> signs_;
};

class ChainFinder {
 public:
  ChainFinder(std::string_view text, std::size_t most) : text_(text), most_(most) {}

  std::vector<EquationChain> run() {
    while (at_ < text_.size() && out_.size() < most_) one_run();
    return std::move(out_);
  }

 private:
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  void one_run() {
    RunBuilder run(at_);
    const std::size_t first = at_;
    while (at_ < text_.size() && at_ - first < 8 * kMaxSideBytes && step(run)) {
    }
    if (at_ == first) skip_what_begins_none();
    if (!run.has_sign()) return;
    EquationChain chain = run.finish(at_);
    bool fit = !chain.signs.empty();
    for (const std::string& side : chain.sides) fit = fit && side.size() <= kMaxSideBytes;
    if (fit) out_.push_back(std::move(chain));
  }

  void skip_what_begins_none() {
    const bool word = is_letter(peek());
    do {
      ++at_;
    } while (word && is_letter(peek()));
  }

  /// Takes what stands at at_ into the run; false where it ends it.
  bool step(RunBuilder& run) {
    const char c = peek();
    if (c == '\n') return false;
    if (is_letter(c)) return word(run);
    if (c == '\\') return command(run);
    if (c == '=') {
      if (run.blank() && !run.has_sign()) return false;
      ++at_;
      while (peek() == '=' || peek() == '>') ++at_;
      run.sign('=');
      return true;
    }
    if (c == '.' || c == ',' || c == ';' || c == ':' || c == '?' || c == '!') return punctuation(run);
    if (c == '<' || c == '>' || c == '#' || c == '"' || c == '`') return false;
    if (c == '*' && peek(1) == '*') {
      // Bold, unless it stands between values.
      const bool power = run.behind_value() && (is_digit(peek(2)) || peek(2) == '(');
      at_ += 2;
      if (power) run.add("^");
      return power || !run.has_sign() || run.blank();
    }
    if (static_cast<unsigned char>(c) >= 0x80) return false;
    if (c != '$') run.add(std::string_view(&c, 1));
    ++at_;
    return true;
  }

  bool punctuation(RunBuilder& run) {
    const char c = peek();
    const bool within_number = (c == '.' || c == ',') && is_digit(peek(1));
    const bool factorial = c == '!' && run.behind_value();
    if (!within_number && !factorial) return false;
    if (c != ',') run.add(std::string_view(&c, 1));  // separators of thousands
    ++at_;
    return true;
  }

  /// A variable, a function's name, or a unit between a value and an operator; other words end the run.
  bool word(RunBuilder& run) {
    std::size_t end = at_;
    while (end < text_.size() && is_letter(text_[end])) ++end;
    const std::string_view name = text_.substr(at_, end - at_);
    if ((name == "x" || name == "X") && run.behind_value() && is_digit(next_visible(end))) {
      at_ = end;
      run.add("*");  // 3 x 4
      return true;
    }
    const bool article = name == "a" || name == "A" || name == "I";
    if ((name.size() == 1 && !article) || is_function_name(name) || name == "pi" || (article && adjoins(end))) {
      run.add(name);
      at_ = end;
      return true;
    }
    const char next = next_visible(end);
    const bool unit = run.behind_value() && (next == '=' || next == '+' || next == '*' || next == '/' || next == ')' ||
                                             (next == '-' && end < text_.size() && text_[end] == ' '));
    if (!unit) return false;
    at_ = end;
    return true;
  }
  [[nodiscard]] char next_visible(std::size_t from) const {
    while (from < text_.size() && (text_[from] == ' ' || text_[from] == '$')) ++from;
    return from < text_.size() ? text_[from] : '\0';
  }
  /// Whether a letter is part of a term: "2a", "a^2", "a + b".
  [[nodiscard]] bool adjoins(std::size_t end) const {
    const char next = next_visible(end);
    return (at_ > 0 && is_digit(text_[at_ - 1])) || next == '^' || next == '+' || next == '*' || next == '/' ||
           next == '=' || next == '_';
  }

  bool command(RunBuilder& run) {
    std::size_t end = at_ + 1;
    while (end < text_.size() && is_letter(text_[end])) ++end;
    if (end == at_ + 1) {
      const char c = peek(1);
      at_ += 2;
      if (c == '%') run.add("\\%");
      return c != '(' && c != ')' && c != '[' && c != ']' && c != '\\';
    }
    const std::string_view name = text_.substr(at_ + 1, end - at_ - 1);
    if (name == "approx") {
      at_ = end;
      run.sign('~');
      return true;
    }
    if (name == "boxed" || name == "fbox" || name == "left" || name == "right") {
      at_ = end;
      return true;  // its braces are a group
    }
    if (name == "begin" || name == "end" || name == "implies" || name == "Rightarrow" || name == "quad" ||
        name == "le" || name == "leq" || name == "ge" || name == "geq" || name == "neq" || name == "in") {
      at_ = end;
      return false;
    }
    if (name == "text" || name == "mathrm" || name == "mbox") {
      // What is in its braces is a unit or prose.
      const std::size_t close = text_.find('}', end);
      at_ = close == std::string_view::npos ? text_.size() : close + 1;
      return true;
    }
    run.add("\\");
    run.add(name);
    run.add(" ");
    at_ = end;
    return true;
  }

  std::string_view text_;
  std::size_t most_;
  std::size_t at_ = 0;
  std::vector<EquationChain> out_;
};

}  // namespace

std::vector<EquationChain> find_chains(std::string_view text, std::size_t most) {
  return ChainFinder(text, most).run();
}

std::vector<std::string> numbers_in(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!is_digit(text[at]) || (at > 0 && (is_letter(text[at - 1]) || text[at - 1] == '_'))) continue;
    std::string digits;
    while (at < text.size()) {
      const bool inside = at + 1 < text.size() && is_digit(text[at + 1]);
      if (is_digit(text[at]) || (text[at] == '.' && inside)) {
        digits += text[at];
      } else if (!(text[at] == ',' && inside)) {
        break;
      }
      ++at;
    }
    out.push_back(std::move(digits));
  }
  return out;
}

}  // namespace retort::grade
