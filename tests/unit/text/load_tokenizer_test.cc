// A tokenizer of a folder that is no whole checkpoint.
#include <gtest/gtest.h>

#include "testing/temp_dir.h"
#include "text/small_tokenizer.h"
#include "text/text_assets.h"

namespace retort::testing {
namespace {

TEST(LoadTokenizer, AFolderNeedsNoMoreThanItsTokenizer) {
  const TempDir folder;
  folder.write("tokenizer.json", small_tokenizer_json().dump());
  const auto tokenizer = load_tokenizer(folder.path().string());
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("hello")), "hello");
  EXPECT_EQ(load_chat_template(folder.path().string()).value(), std::nullopt);
  folder.write("chat_template.jinja", "{{ bos_token }}");
  EXPECT_EQ(load_chat_template(folder.path().string()).value(), "{{ bos_token }}");
}

TEST(LoadTokenizer, AFolderWithoutOneSaysWhatIsMissing) {
  const TempDir folder;
  const auto tokenizer = load_tokenizer(folder.path().string());
  ASSERT_FALSE(tokenizer);
  EXPECT_NE(tokenizer.error().message().find("no config.json"), std::string::npos) << tokenizer.error().message();
}

}  // namespace
}  // namespace retort::testing
