// The parser's state, shared by the files that hold its rules: parser.cc (operators), parse_atoms.cc (what stands
// between them), parse_brackets.cc (tuples, intervals, sets, matrices).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "grade/maths/lexer.h"
#include "grade/maths/parser.h"

namespace retort::grade {

using Parsed = Expected<ExprPtr>;

class AnswerParser {
 public:
  explicit AnswerParser(std::vector<LatexToken> tokens) : tokens_(std::move(tokens)) {}

  Parsed answer();

 private:
  friend class DepthGuard;

  // parser.cc
  Parsed part();
  Parsed relation();
  Parsed set_expression();
  Parsed ratio();
  Parsed sum();
  Parsed term();
  Parsed factor();
  Parsed power_of(ExprPtr base);
  Parsed postfix(ExprPtr base);

  // parse_atoms.cc
  Parsed atom();
  Parsed number_atom();
  Parsed name_atom();
  Parsed function_call(const std::string& name);
  Parsed function_argument();
  Parsed argument();  ///< of a command: a group, or one token
  Parsed fraction();
  Parsed root();
  Parsed text_atom();
  Parsed repeating_decimal(const std::string& digits);
  Expected<std::string> subscript();

  // parse_brackets.cc
  Parsed bracket();
  Parsed braces();
  Parsed group();
  Parsed bars();
  Parsed floor_or_ceiling(const std::string& name);
  Parsed environment();
  Expected<std::vector<ExprPtr>> elements();
  Expected<std::string> environment_name();

  [[nodiscard]] const LatexToken& peek(std::size_t ahead = 0) const {
    return tokens_[at_ + ahead < tokens_.size() ? at_ + ahead : tokens_.size() - 1];
  }
  [[nodiscard]] bool at_symbol(std::string_view text, std::size_t ahead = 0) const {
    return peek(ahead).kind == TokenKind::kSymbol && peek(ahead).text == text;
  }
  bool accept(std::string_view text) {
    if (!at_symbol(text)) return false;
    ++at_;
    return true;
  }
  Status expect(std::string_view text);
  [[nodiscard]] bool starts_operand() const;
  [[nodiscard]] tl::unexpected<Error> unexpected_token() const;

  std::vector<LatexToken> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  int bars_open_ = 0;
  bool bar_separates_ = false;  ///< within braces: "{x | x > 1}"
};

/// Counts how deep the parser is; too deep once it is beyond the limit.
class DepthGuard {
 public:
  explicit DepthGuard(AnswerParser& parser) : parser_(parser) { ++parser_.depth_; }
  ~DepthGuard() { --parser_.depth_; }
  DepthGuard(const DepthGuard&) = delete;
  DepthGuard& operator=(const DepthGuard&) = delete;
  [[nodiscard]] bool too_deep() const { return parser_.depth_ > kMaxAnswerDepth; }

 private:
  AnswerParser& parser_;
};

inline tl::unexpected<Error> too_deep_error() {
  return fail(ErrorCode::kOutOfRange, "the answer's brackets lie more than {} deep", kMaxAnswerDepth);
}

}  // namespace retort::grade
