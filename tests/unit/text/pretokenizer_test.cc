// The hand-written scanners against PCRE2 running the same expression, and PCRE2 on patterns that mean harm.
#include "text/pretokenizer.h"

#include <gtest/gtest.h>
#include <random>

#include "text/unicode.h"
#include "text/utf8.h"

namespace retort {
namespace {

std::vector<std::string> pieces_of(const Pretokenizer& pretokenizer, std::string_view text) {
  std::vector<std::string> pieces;
  pretokenizer.for_each_piece(text, [&](std::string_view piece) { pieces.emplace_back(piece); });
  return pieces;
}

std::vector<std::string> scanned(std::string_view pattern, std::string_view text) {
  Pretokenizer pretokenizer;
  EXPECT_TRUE(pretokenizer.add(pattern));
  EXPECT_NE(pretokenizer.describe(), "PCRE2");
  return pieces_of(pretokenizer, text);
}

std::vector<std::string> matched(std::string_view pattern, std::string_view text) {
  const auto splitter = RegexSplitter::compile(pattern, RegexSplitter::Syntax::kRegex);
  EXPECT_TRUE(splitter);
  std::vector<std::size_t> ends;
  splitter->split(text, ends);
  std::vector<std::string> pieces;
  std::size_t begin = 0;
  for (const std::size_t end : ends) {
    pieces.emplace_back(text.substr(begin, end - begin));
    begin = end;
  }
  return pieces;
}

// PCRE2 and utf8proc may be of different Unicode versions, and PCRE2 counts U+180E as a space, which Unicode has not
// done since 6.3: random text is made of characters on which both agree.
class AgreedCharacters {
 public:
  AgreedCharacters() {
    const auto letters = RegexSplitter::compile("\\p{L}", RegexSplitter::Syntax::kRegex);
    const auto numbers = RegexSplitter::compile("\\p{N}", RegexSplitter::Syntax::kRegex);
    const auto spaces = RegexSplitter::compile("\\s", RegexSplitter::Syntax::kRegex);
    const auto is = [](const Expected<RegexSplitter>& set, std::string_view text) {
      std::vector<std::size_t> ends;
      set->split(std::string(text) + "\x01", ends);  // a match is a piece by itself
      return ends.size() == 2;
    };
    for (char32_t code = 1; code < 0x20000; ++code) {
      if ((code >= 0xD800 && code < 0xE000) || code == 0x180E) continue;
      std::string text;
      append_utf8(text, code);
      const auto kind = UnicodeTable::instance().of(code);
      if (is(letters, text) != ((kind & char_class::kLetter) != 0) ||
          is(numbers, text) != ((kind & char_class::kNumber) != 0) ||
          is(spaces, text) != ((kind & char_class::kSpace) != 0)) {
        ++disagreed;
        continue;
      }
      all_.push_back(text);
      if (kind & char_class::kSpace) spaces_.push_back(text);
      if (kind & char_class::kNumber) numbers_.push_back(text);
    }
  }
  std::string random_text(std::mt19937& random) const {
    static const std::vector<std::string> kInteresting = {
        "'", "s",  "S",      "t",      "re",      "VE",         "ll",     "L",      "d",     "m",      " ",
        " ", "  ", "\n",     "\r",     "\r\n",    "\t",         "a",      "Z",      "7",     "\u017F", "\u212A",
        "!", ".",  "\u4F60", "\u00E9", "e\u0301", "\U0001F600", "\u3000", "\u0085", "\u2028"};
    std::string text;
    for (auto count = random() % 40; count > 0; --count) {
      switch (random() % 8) {
        case 0:
          text += all_[random() % all_.size()];
          break;
        case 1:
          text += spaces_[random() % spaces_.size()];
          break;
        case 2:
          text += numbers_[random() % numbers_.size()];
          break;
        default:
          text += kInteresting[random() % kInteresting.size()];
      }
    }
    return text;
  }
  std::size_t disagreed = 0;

 private:
  std::vector<std::string> all_;
  std::vector<std::string> spaces_;
  std::vector<std::string> numbers_;
};

TEST(Scanner, EqualsPcre2OnRandomText) {
  const AgreedCharacters characters;
  EXPECT_LT(characters.disagreed, 2000u);  // later versions only add characters
  std::mt19937 random(7);
  for (const std::string_view pattern : {patterns::kQwen2, patterns::kGpt4, patterns::kGpt2}) {
    for (int i = 0; i < 4000; ++i) {
      const std::string text = characters.random_text(random);
      ASSERT_EQ(scanned(pattern, text), matched(pattern, text)) << pattern;
    }
  }
}

TEST(Scanner, KnownPieces) {
  using Pieces = std::vector<std::string>;
  EXPECT_EQ(scanned(patterns::kQwen2, "I'll go  now\n\n  x"),
            (Pieces{"I", "'ll", " go", " ", " now", "\n\n", " ", " x"}));
  EXPECT_EQ(scanned(patterns::kQwen2, "12345 (a)!?\r\n"), (Pieces{"1", "2", "3", "4", "5", " (", "a", ")!?\r\n"}));
  EXPECT_EQ(scanned(patterns::kGpt4, "12345"), (Pieces{"123", "45"}));
  EXPECT_EQ(scanned(patterns::kGpt2, " 12345 'S"), (Pieces{" 12345", " '", "S"}));
  EXPECT_EQ(scanned(patterns::kQwen2, ""), Pieces{});
  EXPECT_EQ(scanned(patterns::kQwen2, "   "), Pieces{"   "});
}

TEST(Scanner, LosesNoByte) {
  std::mt19937 random(3);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes;
    for (auto count = random() % 30; count > 0; --count) {
      bytes += static_cast<char>(random() % 2 ? 0x80 + random() % 128 : random() % 128);
    }
    for (const std::string_view pattern : {patterns::kQwen2, patterns::kGpt4, patterns::kGpt2}) {
      std::string all;
      for (const auto& piece : scanned(pattern, bytes)) all += piece;
      EXPECT_EQ(all, bytes);
      all.clear();
      for (const auto& piece : matched(pattern, bytes)) all += piece;
      EXPECT_EQ(all, bytes);
    }
  }
}

TEST(RegexSplitter, KeepsWhatDoesNotMatch) {
  EXPECT_EQ(matched("[0-9]+", "ab12cd3"), (std::vector<std::string>{"ab", "12", "cd", "3"}));
  EXPECT_EQ(matched("x*", "axxb"), (std::vector<std::string>{"a", "xx", "b"}));
  EXPECT_EQ(matched("\\d",
                    "\xFF"
                    "1\xC3"),
            (std::vector<std::string>{"\xFF", "1", "\xC3"}));
  EXPECT_EQ(matched("a\\Kb|ab", "ab"), (std::vector<std::string>{"a", "b"}));
}

TEST(RegexSplitter, StopsAPatternThatBacktracksForEver) {
  const std::string text = "x " + std::string(100'000, 'a') + "! y";
  for (const char* pattern : {"(a+)+$", "(a|aa)+$", "(?:a*)*b", "(a?){30}a{30}$"}) {
    std::string all;
    for (const auto& piece : matched(pattern, text)) all += piece;
    EXPECT_EQ(all, text) << pattern;
  }
}

TEST(Pretokenizer, StepsSeeOnlyTheirPiece) {
  Pretokenizer pretokenizer;
  ASSERT_TRUE(pretokenizer.add("[0-9]{1,3}"));
  ASSERT_TRUE(pretokenizer.add(patterns::kQwen2));
  ASSERT_TRUE(pretokenizer.add("a.b", RegexSplitter::Syntax::kLiteral));
  EXPECT_EQ(pieces_of(pretokenizer, "xy1234 za.ba"),
            (std::vector<std::string>{"xy", "1", "2", "3", "4", " za", ".ba"}));
  EXPECT_EQ(pieces_of(pretokenizer, ""), std::vector<std::string>{});
}

}  // namespace
}  // namespace retort
