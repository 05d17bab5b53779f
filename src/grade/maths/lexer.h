// An answer's text, LaTeX or plain, as tokens. Spacing, sizes of brackets and fonts are gone; what several spellings
// mean alike is one token ("\leq", "<=" and "\le" are "<=").
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace retort::grade {

enum class TokenKind {
  kNumber,   ///< digits, perhaps a point and an exponent; separators of thousands removed
  kName,     ///< a variable, constant or function: "x", "alpha", "pi", "sin"
  kCommand,  ///< what has arguments: "frac", "sqrt", "binom", "begin", "end", "overline"
  kText,     ///< words, of \text{...} or plain
  kSymbol,   ///< an operator, bracket or separator
  kEnd,
};

struct LatexToken {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
  bool space_before = false;  ///< as the writer typed it
};

inline constexpr std::size_t kMaxAnswerBytes = 20'000;

/// Ends with a kEnd token. kOutOfRange for text beyond kMaxAnswerBytes; kInvalidArgument where braces of \text do not
/// close.
Expected<std::vector<LatexToken>> lex_answer(std::string_view text);

/// "sin", "ln", "sqrt", ...: a name that takes what follows as its argument.
bool is_function_name(std::string_view name);

}  // namespace retort::grade
