#include "text/stop_strings.h"

#include <gtest/gtest.h>
#include <random>

namespace retort {
namespace {

TEST(StopStrings, EndsBeforeTheString) {
  StopStrings stops({"END"});
  EXPECT_EQ(stops.push("one END two"), "one ");
  EXPECT_EQ(stops.stopped(), "END");
  EXPECT_EQ(stops.push("three"), "");
  EXPECT_EQ(stops.finish(), "");
}

TEST(StopStrings, HoldsBackWhatMayBecomeOne) {
  StopStrings stops({"\n\n", "User:"});
  EXPECT_EQ(stops.push("a\n"), "a");
  EXPECT_EQ(stops.push("b U"), "\nb ");
  EXPECT_EQ(stops.push("se"), "");
  EXPECT_EQ(stops.push("fulU"), "Useful");
  EXPECT_EQ(stops.push("ser:"), "");
  EXPECT_EQ(stops.stopped(), "User:");
}

TEST(StopStrings, LetsGoOfWhatDidNotBecomeOne) {
  StopStrings stops({"abcd"});
  EXPECT_EQ(stops.push("xabc"), "x");
  EXPECT_EQ(stops.finish(), "abc");
  EXPECT_FALSE(stops.stopped());
}

TEST(StopStrings, TheFirstCompleteWinsOfSeveralTheLongest) {
  StopStrings stops({"bb", "ab"});
  EXPECT_EQ(stops.push("xabb"), "x");
  EXPECT_EQ(stops.stopped(), "ab");
  StopStrings inner({"abcde", "bc"});
  EXPECT_EQ(inner.push("xabcde"), "xa");
  EXPECT_EQ(inner.stopped(), "bc");
  StopStrings same({"c", "bc", "abc"});
  EXPECT_EQ(same.push("xabc"), "x");
  EXPECT_EQ(same.stopped(), "abc");
}

TEST(StopStrings, NothingStopsNothing) {
  StopStrings stops({""});
  EXPECT_EQ(stops.push("anything"), "anything");
  EXPECT_EQ(stops.finish(), "");
}

// However the text is cut, what comes out is the text before the first stop string.
TEST(StopStrings, DoNotDependOnTheCuts) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (int i = 0; i < 30; ++i) text += static_cast<char>('a' + random() % 3);
    std::vector<std::string> strings;
    for (int i = 0; i < 3; ++i) strings.push_back(text.substr(random() % 20, 2 + random() % 5) + (i == 2 ? "z" : ""));
    std::size_t first = text.size();
    std::size_t end = std::string::npos;
    for (const std::string& stop : strings) {
      const std::size_t at = text.find(stop);
      if (at == std::string::npos || std::pair(at + stop.size(), at) >= std::pair(end, first)) continue;
      first = at;
      end = at + stop.size();
    }
    StopStrings stops(strings);
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t n = std::min<std::size_t>(1 + random() % 4, text.size() - at);
      out += stops.push(std::string_view(text).substr(at, n));
      ASSERT_EQ(out, text.substr(0, out.size()));
      ASSERT_LE(out.size(), first) << "let a part of a stop string through";
      at += n;
    }
    out += stops.finish();
    ASSERT_EQ(out, text.substr(0, first));
    ASSERT_EQ(stops.stopped().has_value(), first < text.size());
  }
}

}  // namespace
}  // namespace retort
