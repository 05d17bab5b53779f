#include "core/ascii.h"

#include <gtest/gtest.h>

namespace retort {
namespace {

TEST(Ascii, OnlyAsciiHasBlanksAndCapitals) {
  EXPECT_EQ(trimmed(" \t\r\n\v\f a b \n"), "a b");
  EXPECT_EQ(trimmed(" \n"), "");
  EXPECT_EQ(trimmed(""), "");
  EXPECT_EQ(trimmed("\xC2\xA0x\xE3\x80\x80"), "\xC2\xA0x\xE3\x80\x80");  // blanks of Unicode stay
  EXPECT_EQ(lower_case("AZaz09_[`{\xC3\x84"), "azaz09_[`{\xC3\x84");
}

}  // namespace
}  // namespace retort
