#include "io/pull_select.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace retort {
namespace {

HubRepo repo_of(const std::vector<std::string>& paths) {
  HubRepo repo;
  for (const auto& path : paths) repo.files.push_back({path, 1'000'000, std::string(64, 'a')});
  return repo;
}

std::vector<std::string> chosen(const HubRepo& repo, const std::vector<std::string>& include = {}) {
  const auto files = choose_files(repo, include, "org/name");
  if (!files) return {"error", files.error().message()};
  std::vector<std::string> paths;
  for (const auto& file : *files) paths.push_back(file.path);
  return paths;
}

TEST(PullSelect, ByDefaultWhatRetortReads) {
  const auto repo =
      repo_of({".gitattributes", "LICENSE", "README.md", "chat_template.jinja", "config.json", "figures/a.png",
               "generation_config.json", "merges.txt", "model-00001-of-00002.safetensors",
               "model-00002-of-00002.safetensors", "model.safetensors.index.json", "model-q4.gguf",
               "onnx/model.safetensors", "pytorch_model.bin", "tokenizer.json", "tokenizer_config.json", "vocab.json"});
  EXPECT_EQ(chosen(repo), (std::vector<std::string>{"chat_template.jinja", "config.json", "generation_config.json",
                                                    "merges.txt", "model-00001-of-00002.safetensors",
                                                    "model-00002-of-00002.safetensors", "model.safetensors.index.json",
                                                    "tokenizer.json", "tokenizer_config.json", "vocab.json"}));
}

TEST(PullSelect, TheOnlyGgufIsTakenWithAllItsParts) {
  EXPECT_EQ(chosen(repo_of({"README.md", "m-q4.gguf"})), (std::vector<std::string>{"m-q4.gguf"}));
  EXPECT_EQ(chosen(repo_of({"m-00001-of-00002.gguf", "m-00002-of-00002.gguf"})),
            (std::vector<std::string>{"m-00001-of-00002.gguf", "m-00002-of-00002.gguf"}));
}

TEST(PullSelect, SeveralGgufsAreAChoiceToMake) {
  const auto repo = repo_of({"m-q4_k_m.gguf", "m-q8_0-00001-of-00002.gguf", "m-q8_0-00002-of-00002.gguf"});
  const auto files = choose_files(repo, {}, "org/name");
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().code(), ErrorCode::kInvalidArgument);
  const auto& message = files.error().message();
  EXPECT_NE(message.find("2 GGUF models"), std::string::npos) << message;
  EXPECT_NE(message.find("--include 'm-q4_k_m.gguf'"), std::string::npos) << message;
  EXPECT_NE(message.find("--include 'm-q8_0-*-of-00002.gguf'   (1.91 MiB)"), std::string::npos) << message;
  // and the proposal works
  EXPECT_EQ(chosen(repo, {"m-q8_0-*-of-00002.gguf"}),
            (std::vector<std::string>{"m-q8_0-00001-of-00002.gguf", "m-q8_0-00002-of-00002.gguf"}));
}

TEST(PullSelect, IncludeTakesWhatItSays) {
  const auto repo = repo_of({"README.md", "config.json", "sub/x.json", "sub/y.bin"});
  EXPECT_EQ(chosen(repo, {"*.json", "README*"}), (std::vector<std::string>{"README.md", "config.json", "sub/x.json"}));
  EXPECT_EQ(chosen(repo, {"sub/"}), (std::vector<std::string>{"sub/x.json", "sub/y.bin"}));
}

TEST(PullSelect, AGlobThatFindsNothingSaysWhatThereIs) {
  const auto files = choose_files(repo_of({"a.json", "B.gguf"}), {"a.json", "b.gguf"}, "org/name");
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().code(), ErrorCode::kNotFound);
  EXPECT_NE(files.error().message().find("'b.gguf' (case counts)"), std::string::npos) << files.error().message();
  EXPECT_NE(files.error().message().find("\n  B.gguf"), std::string::npos);
}

TEST(PullSelect, NoWeightsThatRetortReads) {
  const auto files = choose_files(repo_of({"config.json", "pytorch_model.bin"}), {}, "org/name");
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().code(), ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace retort
