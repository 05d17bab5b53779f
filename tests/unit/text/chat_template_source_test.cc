// Where a checkpoint's chat template is found.
#include <gtest/gtest.h>

#include "testing/gguf_builder.h"
#include "testing/temp_dir.h"
#include "testing/tiny_checkpoint.h"
#include "text/text_assets.h"

namespace retort {
namespace {

using ::retort::testing::TempDir;

class ChatTemplateSource : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(testing::write_random_model(dir.path(), {})); }

  std::optional<std::string> found() const {
    const auto checkpoint = Checkpoint::open(dir.path().string());
    EXPECT_TRUE(checkpoint) << checkpoint.error().message();
    if (!checkpoint) return std::nullopt;
    auto source = load_chat_template(*checkpoint);
    return source ? *source : "error: " + source.error().message();
  }
  void write_config(std::string_view json) const { dir.write("tokenizer_config.json", json); }

  TempDir dir;
};

TEST_F(ChatTemplateSource, NoneIsNoError) {
  EXPECT_EQ(found(), std::nullopt);
  write_config("{}");
  EXPECT_EQ(found(), std::nullopt);
  write_config(R"({"chat_template": null})");
  EXPECT_EQ(found(), std::nullopt);
}

TEST_F(ChatTemplateSource, OfTheTokenizersConfiguration) {
  write_config(R"({"chat_template": "one"})");
  EXPECT_EQ(found(), "one");
  write_config(R"({"chat_template": [{"name": "tool_use", "template": "t"}, {"name": "default", "template": "d"}]})");
  EXPECT_EQ(found(), "d");
}

TEST_F(ChatTemplateSource, ItsOwnFileComesFirst) {
  write_config(R"({"chat_template": "one"})");
  dir.write("chat_template.jinja", "own\n");
  EXPECT_EQ(found(), "own\n");
}

TEST_F(ChatTemplateSource, WhatIsWrongIsNamed) {
  write_config(R"({"chat_template": 5})");
  EXPECT_NE(found()->find("tokenizer_config.json: field 'chat_template' must be a text or a list"), std::string::npos);
  write_config(R"({"chat_template": [{"name": "default"}]})");
  EXPECT_NE(found()->find("field 'template' is missing"), std::string::npos);
  write_config(R"({"chat_template": [7]})");
  EXPECT_NE(found()->find("must be an object"), std::string::npos);
  write_config(R"({"chat_template": [{"name": "rag", "template": "r"}]})");
  EXPECT_NE(found()->find("no template named 'default', only 'rag'"), std::string::npos);
  write_config("{");
  EXPECT_NE(found()->find("not valid JSON"), std::string::npos);
}

TEST(ChatTemplateSourceGguf, OfTheMetadata) {
  const TempDir dir;
  const auto open = [&](const std::string& file) { return Checkpoint::open(dir.write("m.gguf", file).string()); };
  std::string file = testing::tiny_gguf().build();
  const auto with = open(file);
  ASSERT_TRUE(with) << with.error().message();
  EXPECT_EQ(load_chat_template(*with).value(), "{% for m in messages %}{{ m['content'] }}{% endfor %}");
  // Under another name it is not there.
  constexpr std::string_view kKey = "tokenizer.chat_template";
  file.replace(file.find(kKey), kKey.size(), "tokenizer.chat_templatf");
  const auto without = open(file);
  ASSERT_TRUE(without) << without.error().message();
  EXPECT_EQ(load_chat_template(*without).value(), std::nullopt);
}

}  // namespace
}  // namespace retort
