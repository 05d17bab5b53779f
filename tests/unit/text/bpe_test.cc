// Merging against the definition, written the plain way.
#include "text/bpe.h"

#include <gtest/gtest.h>
#include <random>
#include <set>
#include <thread>

#include "text/small_tokenizer.h"
#include "text/utf8.h"

namespace retort {
namespace {

using testing::load_small;
using testing::small_tokenizer_json;

struct Model {
  Vocabulary vocabulary{4096, 1 << 16};
  std::vector<MergeRule> rules;
  std::vector<std::vector<std::int32_t>> rank;  // [left][right], -1: no rule
};

// 256 bytes and `count` rules between random tokens, chosen so that they meet in text over `alphabet`.
Model random_model(std::mt19937& random, std::string_view alphabet, int count) {
  Model model;
  std::vector<TokenId> useful;
  for (int byte = 0; byte < 256; ++byte) {
    const char text = static_cast<char>(byte);
    EXPECT_TRUE(model.vocabulary.add(byte, spell_bytes({&text, 1}), Vocabulary::Spelling::kByteLevel));
  }
  for (const char c : alphabet) useful.push_back(static_cast<std::uint8_t>(c));
  while (count-- > 0) {
    const TokenId left = useful[random() % useful.size()];
    const TokenId right = useful[random() % useful.size()];
    const std::string piece = std::string(model.vocabulary.piece(left)) + std::string(model.vocabulary.piece(right));
    if (model.vocabulary.find(piece)) continue;
    const auto id = static_cast<TokenId>(model.vocabulary.size());
    EXPECT_TRUE(model.vocabulary.add(id, piece, Vocabulary::Spelling::kByteLevel));
    model.rules.push_back({left, right, id});
    useful.push_back(id);
  }
  // Not in the order of making: a rule may come before those that its parts come from.
  if (random() % 2) std::shuffle(model.rules.begin(), model.rules.end(), random);
  const auto size = static_cast<std::size_t>(model.vocabulary.size());
  model.rank.assign(size, std::vector<std::int32_t>(size, -1));
  for (std::size_t i = 0; i < model.rules.size(); ++i) {
    model.rank[model.rules[i].left][model.rules[i].right] = static_cast<std::int32_t>(i);
  }
  return model;
}

std::vector<TokenId> by_definition(const Model& model, std::string_view text) {
  std::vector<TokenId> ids;
  for (const char c : text) ids.push_back(static_cast<std::uint8_t>(c));
  while (true) {
    std::size_t best = ids.size();
    std::int32_t best_rank = INT32_MAX;
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
      const auto rank = model.rank[ids[i]][ids[i + 1]];
      if (rank >= 0 && rank < best_rank) {
        best_rank = rank;
        best = i;
      }
    }
    if (best == ids.size()) return ids;
    ids[best] = model.rules[static_cast<std::size_t>(best_rank)].result;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

std::vector<TokenId> encoded(const Model& model, const BpeModel& bpe, BpeScratch& scratch, std::string_view text) {
  std::vector<TokenId> ids;
  bpe.encode(text, model.vocabulary, scratch, ids);
  return ids;
}

TEST(Bpe, EqualsItsDefinition) {
  std::mt19937 random(11);
  for (int round = 0; round < 40; ++round) {
    const Model model = random_model(random, "abcd", 60);
    const auto bpe = BpeModel::make(model.vocabulary, model.rules, BpeModel::WholePieceFirst::kNo);
    ASSERT_TRUE(bpe) << bpe.error().message();
    BpeScratch scratch;
    for (int i = 0; i < 100; ++i) {
      std::string text;
      for (auto length = 1 + random() % (i % 10 == 0 ? 300 : 50); length > 0; --length) {
        text += static_cast<char>('a' + random() % 4);
      }
      const auto expected = by_definition(model, text);
      EXPECT_EQ(encoded(model, *bpe, scratch, text), expected) << text;
      EXPECT_EQ(encoded(model, *bpe, scratch, text), expected) << "from the cache: " << text;
    }
  }
}

// Few characters that share bytes, and rules made of their bytes at random, so that borders are crossed in every way:
// what is merged beforehand must never show.
TEST(Bpe, ClosedCharactersEqualTheDefinition) {
  std::mt19937 random(13);
  const std::vector<std::string> characters = {
      "\xE4\xBD\xA0", "\xE4\xBD\xBD", "\xE5\xA5\xBD", "\xE5\xBD\xA0", "\xC3\xA5", "\xF0\xA0\xBD\xA5", "a", " "};
  for (int round = 0; round < 300; ++round) {
    // Characters complete first (then they are closed), or rules of any bytes at all.
    const Model model = random_model(random, "\xE4\xE5\xBD\xA0\xA5 a", 20 + static_cast<int>(random() % 60));
    const auto bpe = BpeModel::make(model.vocabulary, model.rules, BpeModel::WholePieceFirst::kNo);
    ASSERT_TRUE(bpe) << bpe.error().message();
    BpeScratch scratch;
    for (int i = 0; i < 60; ++i) {
      std::string text;
      for (auto length = 1 + random() % 30; length > 0; --length) {
        text += characters[random() % (i % 2 ? 4 : characters.size())];
        if (random() % 20 == 0) text.pop_back();  // and bytes that are not UTF-8
        if (text.empty()) text = "a";
      }
      EXPECT_EQ(encoded(model, *bpe, scratch, text), by_definition(model, text)) << round;
    }
  }
}

TEST(Bpe, LongPiecesOfOneLetterAreQuick) {
  const auto tokenizer = load_small(small_tokenizer_json());
  ASSERT_TRUE(tokenizer);
  for (const char c : {'a', ' ', '7', '\n', '!'}) {
    const std::string text(1 << 20, c);
    const auto ids = tokenizer->encode(text);
    EXPECT_EQ(tokenizer->decode(ids), text);
  }
}

TEST(Bpe, OneTokenizerInManyThreads) {
  const auto tokenizer = load_small(small_tokenizer_json());
  ASSERT_TRUE(tokenizer);
  std::vector<std::string> texts;
  std::mt19937 random(5);
  for (int i = 0; i < 200; ++i) {
    std::string text;
    for (auto length = random() % 60; length > 0; --length) text += "helo wra\xC3"[random() % 9];
    texts.push_back(text);
  }
  std::vector<std::vector<TokenId>> expected;
  for (const auto& text : texts) expected.push_back(tokenizer->encode(text));
  std::vector<std::thread> threads;
  std::array<int, 4> wrong{};
  for (std::size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round < 20; ++round) {
        for (std::size_t i = 0; i < texts.size(); ++i) wrong[t] += tokenizer->encode(texts[i]) != expected[i];
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, (std::array<int, 4>{}));
}

}  // namespace
}  // namespace retort
