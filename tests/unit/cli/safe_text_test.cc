#include "cli/safe_text.h"

#include <gtest/gtest.h>

namespace retort::cli {
namespace {

TEST(SafeText, LeavesTextAlone) {
  for (const char* text : {"", "plain\n\ttext", "Grüße", "中文，测试", "a\u200db", "😀", "\uFFFD"}) {
    EXPECT_EQ(terminal_safe(text), text);
  }
}

TEST(SafeText, SpellsOutWhatDrivesATerminal) {
  EXPECT_EQ(terminal_safe("a\x1b[31mred"), "a\\x1b[31mred");
  EXPECT_EQ(terminal_safe("\x1b]52;c;AAAA\x07"), "\\x1b]52;c;AAAA\\x07");
  EXPECT_EQ(terminal_safe("one\rtwo\bthree\x7f"), "one\\rtwo\\x08three\\x7f");
  EXPECT_EQ(terminal_safe(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(terminal_safe("\u009b31m"), "\\u009b31m");  // CSI in one character
  EXPECT_EQ(terminal_safe("a\u202eb\u2066c"), "a\\u202eb\\u2066c");
}

TEST(SafeText, SpellsOutWhatIsNotUtf8) {
  EXPECT_EQ(terminal_safe("\x9b"), "\\x9b");
  EXPECT_EQ(terminal_safe("\xc0\x9b"), "\\xc0\\x9b");           // overlong
  EXPECT_EQ(terminal_safe("\xe4\xb8"), "\\xe4\\xb8");           // cut short
  EXPECT_EQ(terminal_safe("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(terminal_safe("\xf4\x90\x80\x80x"), "\\xf4\\x90\\x80\\x80x");
}

// Whatever the bytes, nothing that a terminal obeys comes out.
TEST(SafeText, NoControlCharacterEverComesOut) {
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const std::string text = {static_cast<char>(a), static_cast<char>(b)};
      for (const char c : terminal_safe(text)) {
        const auto byte = static_cast<unsigned char>(c);
        ASSERT_TRUE(byte == '\n' || byte == '\t' || (byte >= 0x20 && byte != 0x7f)) << a << " " << b;
      }
    }
  }
}

}  // namespace
}  // namespace retort::cli
