// The real tokenizers that goldens were made with, loaded once per test program.
#pragma once

#include <gtest/gtest.h>
#include <string>

#include "core/json.h"
#include "testing/shared_data.h"
#include "text/tokenizer.h"

namespace retort::testing {

/// From golden/tokenizer/qwen2_5_tokenizer.json.xz, or with the R1-Distill patch applied; nullopt where it is missing.
inline const std::string& qwen_tokenizer_json() {
  static const std::string text = [] {
    const auto path = shared_file("data/golden/tokenizer/qwen2_5_tokenizer.json.xz");
    return path ? read_text(*path) : std::string();
  }();
  return text;
}

inline const Expected<Tokenizer>& qwen_tokenizer() {
  static const Expected<Tokenizer> tokenizer = Tokenizer::from_json(qwen_tokenizer_json(), "", "qwen2_5");
  return tokenizer;
}

inline const Expected<Tokenizer>& r1_tokenizer() {
  static const Expected<Tokenizer> tokenizer = []() -> Expected<Tokenizer> {
    const auto path = shared_file("data/golden/r1_distill/tokenizer_patch.json");
    if (!path) return fail(ErrorCode::kNotFound, "no patch");
    RETORT_TRY(const Json patch, parse_json(read_text(*path), "patch"));
    RETORT_TRY(Json whole, parse_json(qwen_tokenizer_json(), "qwen2_5"));
    for (const auto& [key, value] : patch["replace_in_qwen2_5_tokenizer_json"].items()) whole[key] = value;
    return Tokenizer::from_json(whole.dump(), patch["tokenizer_config"].dump(), "r1");
  }();
  return tokenizer;
}

inline std::vector<Json> json_lines(const std::filesystem::path& path) {
  std::vector<Json> lines;
  for (const std::string& line : read_lines(path)) lines.push_back(Json::parse(line));
  return lines;
}

inline AddedTokens added_tokens_of(const Json& golden) {
  return golden["parse_special"].get<bool>() ? AddedTokens::kParse : AddedTokens::kAsText;
}

/// Every line of `path` encodes to its ids, and they decode to its text.
inline void expect_cases(const Tokenizer& tokenizer, const std::filesystem::path& path) {
  const auto cases = json_lines(path);
  ASSERT_FALSE(cases.empty());
  for (const Json& golden : cases) {
    const auto text = golden["text"].get<std::string>();
    const auto ids = golden["ids"].get<std::vector<TokenId>>();
    EXPECT_EQ(tokenizer.encode(text, {.added_tokens = added_tokens_of(golden)}), ids) << golden["text"];
    EXPECT_EQ(tokenizer.decode(ids), golden["decoded"].get<std::string>()) << golden["text"];
  }
}

}  // namespace retort::testing
