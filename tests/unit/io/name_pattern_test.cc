// The regular expressions of quantization_config: what they match, and that no pattern takes long.
#include "io/name_pattern.h"

#include <chrono>
#include <gtest/gtest.h>

#include "testing/expect_error.h"

namespace retort {
namespace {

using ::retort::testing::expect_error;

bool pattern_matches(std::string_view pattern, std::string_view name) {
  const auto compiled = NamePattern::compile(pattern);
  EXPECT_TRUE(compiled) << compiled.error().message();
  return compiled && compiled->matches(name);
}

TEST(NamePattern, MatchesAsPythonsReMatchDoes) {
  struct Case {
    const char* pattern;
    const char* name;
    bool matches;
  };
  const Case cases[] = {
      {".*lm_head", "lm_head", true},
      {".*lm_head", "model.lm_head.x", true},  // not necessarily to the end
      {"lm_head", "model.lm_head", false},     // but from the beginning
      {"", "anything", true},
      {".*self_attn.*", "model.layers.3.self_attn.q_proj", true},
      {".*mlp.gate$", "model.layers.3.mlp.gate", true},
      {".*mlp.gate$", "model.layers.3.mlp.gate_proj", false},
      {R"(.*self_attn\.(q|k|v|o)_proj$)", "model.layers.0.self_attn.v_proj", true},
      {R"(.*self_attn\.(q|k|v|o)_proj$)", "model.layers.0.self_attn.x_proj", false},
      {R"(.*self_attn\.q)", "model.self_attnXq", false},
      {R"(model\.layers\.(0)\.self_attn\.[qkv]_proj$)", "model.layers.0.self_attn.k_proj", true},
      {R"(model\.layers\.(0)\.self_attn\.[qkv]_proj$)", "model.layers.1.self_attn.k_proj", false},
      {R"(^model\.layers\.[0-2]\..*)", "model.layers.2.mlp.up_proj", true},
      {R"(^model\.layers\.[0-2]\..*)", "model.layers.3.mlp.up_proj", false},
      {R"(.*mlp\.experts\.\d+\.(?:gate|up|down)_proj$)", "model.layers.0.mlp.experts.17.down_proj", true},
      {R"(.*mlp\.experts\.\d+\.(?:gate|up|down)_proj$)", "model.layers.0.mlp.experts..down_proj", false},
      {R"(.*\.(gate_up|down)_proj|lm_head$)", "lm_head", true},
      {"(a|b)*c", "ababc", true},
      {"(a*)*c", "aaac", true},
      {"(a|)+b$", "b", true},
      {"colou?r$", "color", true},
      {"colou?r$", "colouur", false},
      {"a+b", "b", false},
      {"a+b", "aaab", true},
      {"[^a-c]x", "dx", true},
      {"[^a-c]x", "bx", false},
      {"[]a]$", "]", true},
      {R"([\d_-]+$)", "3_-4", true},
      {R"(\w+\s\w+$)", "two words", true},
      {"a$b", "ab", false},
      {"a^b", "ab", false},
  };
  for (const Case& c : cases) EXPECT_EQ(pattern_matches(c.pattern, c.name), c.matches) << c.pattern << " on " << c.name;
}

TEST(NamePattern, WhatItDoesNotKnowIsNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {"(?!.*x).*", "lookaround"}, {"a{2}", "{n}"},       {"a*?", "lazy"},    {R"(\bword)", R"(\b)"},
      {R"((a)\1)", R"(\1)"},       {"(a", "without its"}, {"a)", "')'"},      {"[a", "']'"},
      {"*a", "nothing before"},    {"a\\", "backslash"},  {"[z-a]", "range"}, {"a**", "quantifier"},
  };
  for (const auto& [pattern, says] : cases) {
    SCOPED_TRACE(pattern);
    expect_error(NamePattern::compile(pattern), ErrorCode::kUnsupported, {pattern[0] == '\\' ? "re:" : pattern, says});
  }
  expect_error(NamePattern::compile(std::string(NamePattern::kMaxLength + 1, 'a')), ErrorCode::kUnsupported, {"512"});
  expect_error(NamePattern::compile(std::string(200, '(')), ErrorCode::kUnsupported, {"nested too deeply"});
}

// A backtracking matcher takes 2^60 steps for the first of these.
TEST(NamePattern, NoPatternTakesLong) {
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(pattern_matches("((a+)+)+$", std::string(60, 'a') + "b"));
  EXPECT_FALSE(pattern_matches("(a|a|aa)*$", std::string(200, 'a') + "b"));
  EXPECT_FALSE(pattern_matches(".*.*.*.*.*.*.*.*.*.*x$", std::string(300, 'a')));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

}  // namespace
}  // namespace retort
