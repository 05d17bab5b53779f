// A pattern becomes a small program (Thompson's construction); matching runs all of its threads side by side.
#include "io/name_pattern.h"

#include <cctype>

#include "io/hub_names.h"

namespace retort {
namespace {

constexpr int kMaxNesting = 16;  // of groups: the parser recurses

NamePattern::Bytes bytes_where(bool (*holds)(unsigned char)) {
  NamePattern::Bytes set;
  for (unsigned c = 0; c < 256; ++c) set[c] = holds(static_cast<unsigned char>(c));
  return set;
}

bool is_digit(unsigned char c) { return c >= '0' && c <= '9'; }
bool is_letter(unsigned char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_word(unsigned char c) { return is_digit(c) || is_letter(c) || c == '_'; }
bool is_space(unsigned char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace

class NamePattern::Parser {
 public:
  Parser(std::string_view text, std::vector<Bytes>& sets) : text_(text), rest_(text), sets_(sets) {}

  Expected<std::vector<Step>> all() {
    RETORT_TRY(std::vector<Step> program, alternatives(0));
    if (!rest_.empty()) return unsupported("')' without its '('");
    return program;
  }

 private:
  using Program = std::vector<Step>;

  [[nodiscard]] tl::unexpected<Error> unsupported(std::string_view what) const {
    return fail(ErrorCode::kUnsupported,
                "pattern 're:{}' has {}, which retort does not match with; it knows literals, . \\d \\w \\s, [a-z], "
                "groups, | * + ? ^ and $",
                shown_name(text_), what);
  }

  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  static void append(Program& to, const Program& more) { to.insert(to.end(), more.begin(), more.end()); }

  Expected<Program> alternatives(int nesting) {
    RETORT_TRY(Program program, sequence(nesting));
    while (take('|')) {
      RETORT_TRY(const Program other, sequence(nesting));
      // split(program, other): program; jump to the end; other
      program.insert(program.begin(), {Op::kSplit, 1, static_cast<std::int32_t>(program.size()) + 2});
      program.push_back({Op::kJump, static_cast<std::int32_t>(other.size()) + 1});
      append(program, other);
    }
    return program;
  }

  Expected<Program> sequence(int nesting) {
    Program program;
    while (!rest_.empty() && rest_.front() != '|' && rest_.front() != ')') {
      RETORT_TRY(Program atom, this->atom(nesting));
      RETORT_TRY(atom, repeated(std::move(atom)));
      append(program, atom);
    }
    return program;
  }

  Expected<Program> repeated(Program atom) {
    const auto size = static_cast<std::int32_t>(atom.size());
    if (take('*')) {
      atom.insert(atom.begin(), {Op::kSplit, 1, size + 2});
      atom.push_back({Op::kJump, -(size + 1)});
    } else if (take('+')) {
      atom.push_back({Op::kSplit, -size, 1});
    } else if (take('?')) {
      atom.insert(atom.begin(), {Op::kSplit, 1, size + 1});
    } else {
      if (!rest_.empty() && rest_.front() == '{') return unsupported("a counted repetition {n}");
      return atom;
    }
    if (!rest_.empty() && (rest_.front() == '*' || rest_.front() == '+' || rest_.front() == '?')) {
      return unsupported("a lazy or possessive or doubled quantifier");
    }
    return atom;
  }

  Program one_of(const Bytes& set) {
    sets_.push_back(set);
    return {{Op::kByte, static_cast<std::int32_t>(sets_.size() - 1)}};
  }

  Expected<Program> atom(int nesting) {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    switch (c) {
      case '(':
        return group(nesting + 1);
      case '[':
        return bracket();
      case '\\': {
        RETORT_TRY(const Bytes set, escaped());
        return one_of(set);
      }
      case '.':
        return one_of(bytes_where([](unsigned char b) { return b != '\n'; }));
      case '^':
        return Program{{Op::kBegin}};
      case '$':
        return Program{{Op::kEnd}};
      case '*':
      case '+':
      case '?':
        return unsupported("a quantifier with nothing before it");
      case '{':
        return unsupported("'{'");
      default:
        return one_of(Bytes().set(static_cast<unsigned char>(c)));
    }
  }

  Expected<Program> group(int nesting) {
    if (nesting > kMaxNesting) return unsupported("groups nested too deeply");
    if (rest_.starts_with("?:")) {
      rest_.remove_prefix(2);
    } else if (rest_.starts_with("?")) {
      return unsupported("a (?...) group (lookaround, flags, names)");
    }
    RETORT_TRY(Program program, alternatives(nesting));
    if (!take(')')) return unsupported("'(' without its ')'");
    return program;
  }

  // After the backslash.
  Expected<Bytes> escaped() {
    if (rest_.empty()) return unsupported("a backslash at its end");
    const auto c = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    if (c == 'd') return bytes_where(is_digit);
    if (c == 'w') return bytes_where(is_word);
    if (c == 's') return bytes_where(is_space);
    if (is_digit(c) || is_letter(c)) return unsupported(fmt::format("\\{}", static_cast<char>(c)));
    return Bytes().set(c);
  }

  // After the '['. A ']' that comes first is a member of the set.
  Expected<Program> bracket() {
    const bool negated = take('^');
    Bytes set;
    for (bool first = true; first || rest_.empty() || rest_.front() != ']'; first = false) {
      if (rest_.empty()) return unsupported("'[' without its ']'");
      const auto low = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      if (low == '\\') {
        RETORT_TRY(const Bytes more, escaped());
        set |= more;
      } else if (rest_.size() >= 2 && rest_[0] == '-' && rest_[1] != ']') {
        const auto high = static_cast<unsigned char>(rest_[1]);
        if (high == '\\' || high < low) return unsupported("a range like that in [ ]");
        for (unsigned b = low; b <= high; ++b) set.set(b);
        rest_.remove_prefix(2);
      } else {
        set.set(low);
      }
    }
    rest_.remove_prefix(1);
    return one_of(negated ? ~set : set);
  }

  std::string_view text_;
  std::string_view rest_;
  std::vector<Bytes>& sets_;
};

Expected<NamePattern> NamePattern::compile(std::string_view pattern) {
  if (pattern.size() > kMaxLength) {
    return fail(ErrorCode::kUnsupported, "pattern 're:{}' is {} characters long but may have {}", shown_name(pattern),
                pattern.size(), kMaxLength);
  }
  NamePattern out;
  out.text_ = pattern;
  Parser parser(pattern, out.sets_);
  RETORT_TRY(out.steps_, parser.all());
  return out;
}

bool NamePattern::matches(std::string_view name) const {
  const std::size_t end = steps_.size();
  std::vector<std::size_t> now;  // kByte steps that the text so far can have led to
  std::vector<std::size_t> next;
  std::vector<std::size_t> stack;
  std::vector<std::size_t> seen(end + 1, 0);  // the position + 1 at which a step was last entered
  bool matched = false;
  // Follows everything that takes no character from `step` on.
  const auto enter = [&](std::size_t step, std::size_t position, std::vector<std::size_t>& threads) {
    stack.push_back(step);
    while (!stack.empty()) {
      const std::size_t at = stack.back();
      stack.pop_back();
      if (seen[at] == position + 1) continue;
      seen[at] = position + 1;
      if (at == end) {
        matched = true;
        continue;
      }
      const Step& s = steps_[at];
      if (s.op == Op::kByte) threads.push_back(at);
      if (s.op == Op::kBegin && position == 0) stack.push_back(at + 1);
      if (s.op == Op::kEnd && position == name.size()) stack.push_back(at + 1);
      if (s.op == Op::kSplit) stack.push_back(at + static_cast<std::size_t>(s.second));
      if (s.op == Op::kSplit || s.op == Op::kJump) stack.push_back(at + static_cast<std::size_t>(s.first));
    }
  };
  enter(0, 0, now);
  for (std::size_t position = 0; position < name.size() && !matched && !now.empty(); ++position) {
    next.clear();
    for (const std::size_t at : now) {
      const Bytes& set = sets_[static_cast<std::size_t>(steps_[at].first)];
      if (set[static_cast<unsigned char>(name[position])]) enter(at + 1, position + 1, next);
    }
    std::swap(now, next);
  }
  return matched;
}

}  // namespace retort
