// How lines become messages, and what a paste becomes.
#include "cli/line_reader.h"

#include <deque>
#include <gtest/gtest.h>

#include "cli/key_source.h"
#include "cli/wide_text.h"

namespace retort::cli {
namespace {

using Kind = InputLine::Kind;

class FakeReader final : public LineReader {
 public:
  explicit FakeReader(std::deque<std::string> lines) : lines_(std::move(lines)) {}
  InputLine read(std::string_view prompt) override {
    prompts += prompt;
    if (lines_.empty()) return {};
    InputLine line{Kind::kText, lines_.front()};
    if (line.text == "^C") line = {Kind::kInterrupted, {}};
    lines_.pop_front();
    return line;
  }
  void remember(std::string_view) override {}
  std::string prompts;

 private:
  std::deque<std::string> lines_;
};

InputLine message(std::deque<std::string> lines) {
  FakeReader reader(std::move(lines));
  return read_message(reader, "> ", ". ");
}

TEST(LineReader, OneLineIsAMessage) {
  EXPECT_EQ(message({"hello"}).text, "hello");
  EXPECT_EQ(message({""}).kind, Kind::kText);
  EXPECT_EQ(message({}).kind, Kind::kEnd);
  EXPECT_EQ(message({"^C"}).kind, Kind::kInterrupted);
}

TEST(LineReader, ABackslashContinues) {
  FakeReader reader({"one\\", "two\\", "three", "four"});
  EXPECT_EQ(read_message(reader, "> ", ". ").text, "one\ntwo\nthree");
  EXPECT_EQ(reader.prompts, "> . . ");
  EXPECT_EQ(read_message(reader, "> ", ". ").text, "four");
  EXPECT_EQ(message({"one\\"}).text, "one\n");  // the end of the input ends it
  EXPECT_EQ(message({"one\\", "^C"}).kind, Kind::kInterrupted);
}

TEST(LineReader, QuotesHoldSeveralLines) {
  EXPECT_EQ(message({"\"\"\"", "one", "", "two\\", "\"\"\""}).text, "one\n\ntwo\\");
  EXPECT_EQ(message({"\"\"\"one", "two\"\"\""}).text, "one\ntwo");
  EXPECT_EQ(message({"\"\"\"one\"\"\""}).text, "one");
  EXPECT_EQ(message({"\"\"\"", "one", "^C"}).kind, Kind::kInterrupted);
  EXPECT_EQ(message({"\"\"\"", "one"}).text, "one");
  EXPECT_EQ(message({"\"\"\"\"\"\""}).text, "");
}

TEST(LineReader, PastesAreMadeFit) {
  EXPECT_EQ(clean_paste("a\r\nb\rc\nd\te"), "a\nb\nc\nd\te");
  EXPECT_EQ(clean_paste("x\x1b[31my\x07\x7f\x01z"), "x[31myz");
  EXPECT_EQ(clean_paste("中文\r\n"), "中文\n");
}

TEST(LineReader, WideTextKeepsEveryCharacter) {
  for (const char* text : {"", "plain", "Grüße 中文 😀"}) EXPECT_EQ(to_utf8(to_wide(text)), text);
  EXPECT_EQ(to_wide("中😀").size(), 2u);
  EXPECT_EQ(to_utf8(to_wide("a\xff z")), "a\uFFFD z");
  EXPECT_EQ(to_utf8(L"\xD800"), "\uFFFD");
}

}  // namespace
}  // namespace retort::cli
