#include "io/glob.h"

#include <chrono>
#include <gtest/gtest.h>
#include <string>

namespace retort {
namespace {

TEST(Glob, StarsQuestionMarksAndPlainText) {
  EXPECT_TRUE(glob_match("config.json", "config.json"));
  EXPECT_FALSE(glob_match("config.json", "config.jsonl"));
  EXPECT_FALSE(glob_match("config.json", "xconfig.json"));
  EXPECT_TRUE(glob_match("*.safetensors", "model-00001-of-00002.safetensors"));
  EXPECT_FALSE(glob_match("*.safetensors", "model.safetensors.index.json"));
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_TRUE(glob_match("", ""));
  EXPECT_FALSE(glob_match("", "a"));
  EXPECT_TRUE(glob_match("model-0000?-of-*", "model-00001-of-00002.gguf"));
  EXPECT_FALSE(glob_match("?", ""));
  EXPECT_TRUE(glob_match("*q4_k_m*.gguf", "coder-q4_k_m-00001-of-00002.gguf"));
  EXPECT_FALSE(glob_match("*q4_k_m*.gguf", "coder-Q4_K_M.gguf"));  // case counts
  EXPECT_TRUE(glob_match("a*b*c", "aXbXbXc"));
  EXPECT_FALSE(glob_match("a*b*c", "aXbXbX"));
}

TEST(Glob, StarCrossesSlashesAndATrailingSlashMeansAllBelow) {
  EXPECT_TRUE(glob_match("*.json", "sub/folder/a.json"));
  EXPECT_TRUE(glob_match("sub/", "sub/folder/a.json"));
  EXPECT_FALSE(glob_match("sub/", "subway/a.json"));
  EXPECT_TRUE(glob_match("s*/", "sub/a.json"));
}

TEST(Glob, Sets) {
  EXPECT_TRUE(glob_match("q[4-6]_k", "q5_k"));
  EXPECT_FALSE(glob_match("q[4-6]_k", "q8_k"));
  EXPECT_TRUE(glob_match("q[!8]_k", "q5_k"));
  EXPECT_FALSE(glob_match("q[!8]_k", "q8_k"));
  EXPECT_TRUE(glob_match("[]x]", "]"));
  EXPECT_TRUE(glob_match("[a-]", "-"));
  EXPECT_TRUE(glob_match("[abc", "[abc"));  // never closed: an ordinary character
  EXPECT_FALSE(glob_match("[abc", "a"));
}

TEST(Glob, HostilePatternTakesNoExponentialTime) {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "*a";
  pattern += "b";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(glob_match(pattern, std::string(1000, 'a')));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

}  // namespace
}  // namespace retort
