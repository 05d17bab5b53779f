// Template source to tokens, with the white space around tags already taken away as jinja2 does under trim_blocks and
// lstrip_blocks.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja/value.h"

namespace retort::jinja {

enum class TokenType : std::uint8_t {
  kData,
  kVariableBegin,
  kVariableEnd,
  kBlockBegin,
  kBlockEnd,
  kName,
  kString,
  kNumber,
  kOperator,
  kEnd,
};

struct Token {
  TokenType type = TokenType::kEnd;
  std::uint32_t offset = 0;
  std::string_view text;  ///< data; a name; an operator; the value of a string
  Value number;
  [[nodiscard]] bool is_name(std::string_view name) const { return type == TokenType::kName && text == name; }
  [[nodiscard]] bool is_operator(std::string_view op) const { return type == TokenType::kOperator && text == op; }
};

/// Line breaks made '\n', and the last one dropped: what offsets count in.
std::string normalize_source(std::string_view source);

/// Throws Fault. Tokens point into `source`, and into `strings` where a literal has escapes.
std::vector<Token> tokenize(std::string_view source, std::deque<std::string>& strings);

/// The value of a string literal's inside. Throws Fault.
std::string unescape(std::string_view inside, std::uint32_t offset);

}  // namespace retort::jinja
