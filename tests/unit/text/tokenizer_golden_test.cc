// Every golden of the real tokenizers, both directions, through tokenizer.json.
#include "text/detokenizer.h"
#include "text/golden_tokenizers.h"

namespace retort {
namespace {

using namespace testing;

void expect_increments(const Tokenizer& tokenizer, const std::filesystem::path& path) {
  const auto cases = json_lines(path);
  ASSERT_FALSE(cases.empty());
  for (const Json& golden : cases) {
    const auto ids = golden["ids"].get<std::vector<TokenId>>();
    IncrementalDetokenizer detokenizer(tokenizer);
    std::vector<std::string> chunks;
    std::string all;
    for (const TokenId id : ids) all += chunks.emplace_back(detokenizer.push(id));
    all += chunks.emplace_back(detokenizer.finish());
    EXPECT_EQ(chunks, golden["chunks"].get<std::vector<std::string>>()) << golden["ids"];
    EXPECT_EQ(all, tokenizer.decode(ids)) << golden["ids"];
  }
}

TEST(TokenizerGolden, Qwen25Cases) {
  RETORT_SHARED_OR_SKIP(path, "data/golden/tokenizer");
  ASSERT_TRUE(qwen_tokenizer()) << qwen_tokenizer().error().message();
  expect_cases(*qwen_tokenizer(), path / "cases.jsonl");
  expect_cases(*qwen_tokenizer(), path / "cases_more.jsonl");
}

TEST(TokenizerGolden, Qwen25Incremental) {
  RETORT_SHARED_OR_SKIP(path, "data/golden/tokenizer");
  ASSERT_TRUE(qwen_tokenizer()) << qwen_tokenizer().error().message();
  expect_increments(*qwen_tokenizer(), path / "incremental.jsonl");
  expect_increments(*qwen_tokenizer(), path / "incremental_bytes.jsonl");
}

TEST(TokenizerGolden, R1DistillCases) {
  RETORT_SHARED_OR_SKIP(path, "data/golden/r1_distill/tokenizer_cases.jsonl");
  ASSERT_TRUE(r1_tokenizer()) << r1_tokenizer().error().message();
  const Tokenizer& tokenizer = *r1_tokenizer();
  expect_cases(tokenizer, path);
  for (const Json& golden : json_lines(path)) {
    const auto ids = golden["ids_with_bos"].get<std::vector<TokenId>>();
    const EncodeOptions options{added_tokens_of(golden), SpecialTokens::kAdd};
    EXPECT_EQ(tokenizer.encode(golden["text"].get<std::string>(), options), ids) << golden["text"];
    EXPECT_EQ(tokenizer.decode(ids, SkipSpecial::kYes), golden["decoded_skip_special"].get<std::string>());
  }
  EXPECT_EQ(tokenizer.bos_id(), 151646);
  EXPECT_EQ(tokenizer.eos_id(), 151643);
  EXPECT_EQ(tokenizer.pad_id(), 151643);
}

TEST(TokenizerGolden, Qwen25Description) {
  RETORT_SHARED_OR_SKIP(path, "data/golden/tokenizer");
  ASSERT_TRUE(qwen_tokenizer()) << qwen_tokenizer().error().message();
  const auto description = qwen_tokenizer()->describe();
  EXPECT_EQ(description.pretokenizer, "qwen2 (native scanner)");
  EXPECT_EQ(description.normalizer, "NFC");
  EXPECT_EQ(description.merges, 151387);
  EXPECT_EQ(description.added_tokens, 22);
  EXPECT_EQ(qwen_tokenizer()->vocab_size(), 151665);
}

}  // namespace
}  // namespace retort
