// The goldens through the vocabulary of the real 0.5B, and how long that takes to load.
#include "core/log.h"
#include "io/gguf.h"
#include "text/golden_tokenizers.h"

namespace retort {
namespace {

using namespace testing;

TEST(TokenizerReal, GoldensThroughGguf) {
  RETORT_REAL_OR_SKIP(model, "0.5b");
  RETORT_SHARED_OR_SKIP(folder, "data/golden/tokenizer");
  const auto file = GgufFile::open(model);
  ASSERT_TRUE(file) << file.error().message();
  const auto tokenizer = Tokenizer::from_gguf(*file);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  for (const char* name : {"cases.jsonl", "cases_more.jsonl"}) {
    for (const Json& golden : json_lines(folder / name)) {
      const auto ids = golden["ids"].get<std::vector<TokenId>>();
      EXPECT_EQ(tokenizer->encode(golden["text"].get<std::string>(), {.added_tokens = added_tokens_of(golden)}), ids)
          << golden["text"];
      EXPECT_EQ(tokenizer->decode(ids), golden["decoded"].get<std::string>()) << golden["text"];
    }
  }
}

}  // namespace
}  // namespace retort
