// What holds for any text: normalization equals utf8proc's, encoding loses nothing, streaming equals decoding.
#include <gtest/gtest.h>
#include <random>
#include <utf8proc.h>

#include "text/detokenizer.h"
#include "text/normalizer.h"
#include "text/small_tokenizer.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace retort {
namespace {

using testing::load_small;
using testing::small_tokenizer_json;

std::string utf8proc_nfc(const std::string& text) {
  utf8proc_uint8_t* result = nullptr;
  const auto size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
                   &result, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  std::string normalized(reinterpret_cast<const char*>(result),
                         static_cast<std::size_t>(std::max<utf8proc_ssize_t>(size, 0)));
  std::free(result);
  return normalized;
}

std::string nfc(const std::string& text) {
  std::string storage;
  return std::string(to_nfc(text, storage));
}

char32_t random_code(std::mt19937& random) {
  const auto below = [&](std::uint32_t limit) { return static_cast<char32_t>(random() % limit); };
  switch (random() % 8) {
    case 0:
      return 'a' + below(26);
    case 1:
      return 0x300 + below(0x70);  // combining marks
    case 2:
      return 0x1100 + below(0x100);  // Hangul jamo
    case 3:
      return 0xAC00 + below(11172);  // Hangul syllables
    case 4:
      return 0x1E00 + below(0x200);  // precomposed Latin and Greek
    case 5:
      return 0x900 + below(0x500);  // Indic: vowel signs that compose
    case 6:
      return 0xF900 + below(0x200);  // compatibility ideographs
    default: {
      const char32_t code = below(0x30000);
      return code >= 0xD800 && code < 0xE000 ? U'x' : code;
    }
  }
}

std::string random_text(std::mt19937& random) {
  std::string text;
  for (auto count = random() % 24; count > 0; --count) append_utf8(text, random_code(random));
  return text;
}

TEST(Normalizer, EveryCharacterAloneAndAfterALetter) {
  for (char32_t code = 1; code < 0x110000; ++code) {
    if (code >= 0xD800 && code < 0xE000) continue;
    if (code >= 0x40000 && code < 0xE0000) continue;  // nothing is there
    std::string text;
    append_utf8(text, code);
    ASSERT_EQ(nfc(text), utf8proc_nfc(text)) << std::hex << static_cast<std::uint32_t>(code);
    text.insert(0, "e");
    ASSERT_EQ(nfc(text), utf8proc_nfc(text)) << std::hex << static_cast<std::uint32_t>(code);
  }
}

TEST(Normalizer, RandomText) {
  std::mt19937 random(17);
  for (int i = 0; i < 30'000; ++i) {
    const std::string text = random_text(random);
    ASSERT_EQ(nfc(text), utf8proc_nfc(text));
  }
}

TEST(Normalizer, LeavesTextAloneWhereItCan) {
  std::string storage;
  const std::string text = "plain \xE4\xBD\xA0 caf\xC3\xA9";
  EXPECT_EQ(to_nfc(text, storage).data(), text.data());
  EXPECT_EQ(nfc("\xCC\x81"
                "e\xCC\x81\xFF\xCC\x81"),
            "\xCC\x81\xC3\xA9\xFF\xCC\x81");  // nothing joins across bad bytes
  std::string marks = "e";
  for (int i = 0; i < 100'000; ++i) marks += i % 2 ? "\u0316" : "\u0301";
  EXPECT_EQ(nfc(nfc(marks)), nfc(marks));  // and in no quadratic time
}

TEST(Tokenizer, LosesNothing) {
  const auto tokenizer = load_small(small_tokenizer_json());
  ASSERT_TRUE(tokenizer);
  std::mt19937 random(19);
  for (int i = 0; i < 3000; ++i) {
    const std::string text = random_text(random);
    EXPECT_EQ(tokenizer->decode(tokenizer->encode(text)), nfc(text));
    std::string bytes;  // not UTF-8: the bytes are there, one by one
    for (auto count = random() % 30; count > 0; --count) bytes += static_cast<char>(random());
    std::string back;
    for (const TokenId id : tokenizer->encode(bytes)) back += tokenizer->bytes(id);
    EXPECT_EQ(back, nfc(bytes));
  }
}

TEST(Detokenizer, EqualsDecodeForAnyIds) {
  const auto tokenizer = load_small(small_tokenizer_json());
  ASSERT_TRUE(tokenizer);
  std::mt19937 random(23);
  for (int i = 0; i < 5000; ++i) {
    std::vector<TokenId> ids;
    for (auto count = random() % 20; count > 0; --count) {
      ids.push_back(static_cast<TokenId>(random() % 3 ? 0x80 + random() % 0x80 : random() % 300));
    }
    for (const SkipSpecial skip : {SkipSpecial::kNo, SkipSpecial::kYes}) {
      IncrementalDetokenizer detokenizer(*tokenizer, skip);
      std::string all;
      for (const TokenId id : ids) {
        const std::string chunk = detokenizer.push(id);
        EXPECT_TRUE(is_valid_utf8(chunk));
        all += chunk;
      }
      all += detokenizer.finish();
      EXPECT_EQ(all, tokenizer->decode(ids, skip));
    }
  }
}

TEST(Unicode, Classes) {
  const UnicodeTable& table = UnicodeTable::instance();
  using namespace char_class;
  EXPECT_EQ(table.of('a') & (kLetter | kNumber | kSpace | kWord), kLetter | kWord);
  EXPECT_EQ(table.of('7') & (kLetter | kNumber | kWord), kNumber | kWord);
  EXPECT_EQ(table.of('_') & (kLetter | kWord), kWord);
  EXPECT_EQ(table.of(0x4F60) & (kLetter | kNfcCheck), kLetter);
  EXPECT_EQ(table.of(0x0301) & (kMark | kNfcCheck), kMark | kNfcCheck);
  EXPECT_EQ(table.of(0x180E) & kSpace, 0);
  EXPECT_EQ(table.of(0x85) & kSpace, kSpace);
  EXPECT_EQ(table.of('\n') & (kSpace | kNewline), kSpace | kNewline);
  EXPECT_EQ(table.of(Utf8Char::kInvalid), 0);
}

TEST(Detokenizer, HoldsBackHalfACharacterAndNothingElse) {
  Json json = small_tokenizer_json();
  json["model"]["vocab"]["a" + spell_bytes("\xE4")] = 300;  // a letter, and the first third of another
  const auto tokenizer = load_small(json);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  IncrementalDetokenizer detokenizer(*tokenizer, SkipSpecial::kNo);
  EXPECT_EQ(detokenizer.push(300), "a");
  EXPECT_EQ(detokenizer.push(0xBD), "");
  EXPECT_EQ(detokenizer.push(0xA0), "\u4F60");
  EXPECT_EQ(detokenizer.finish(), "");
}

}  // namespace
}  // namespace retort
