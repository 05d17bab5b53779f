// When two outputs, and two values, are the same.
#include <gtest/gtest.h>

#include "core/json.h"
#include "grade/code/code_tests.h"
#include "grade/code/output_compare.h"
#include "grade/code/value_compare.h"
#include "testing/expect_error.h"

namespace retort::grade {
namespace {

TEST(OutputDifference, BlanksAtTheEdgesDoNotCount) {
  for (const char* found : {"1 2\n3", "1 2\n3\n", "1 2  \r\n3\n\n\n", "\n  1 2\n 3"}) {
    EXPECT_EQ(output_difference(found, "1 2\n3\n", 0), std::nullopt) << found;
  }
  for (const char* found : {"1 2 3", "1 2\n\n3", "12\n3", "1 2", "1 2\n3\n4", "", "2 1\n3"}) {
    EXPECT_NE(output_difference(found, "1 2\n3\n", 0), std::nullopt) << found;
  }
  EXPECT_EQ(output_difference("", " \n", 0), std::nullopt);
}

TEST(OutputDifference, SaysWhere) {
  EXPECT_EQ(output_difference("a\nb", "a\nc", 0), "line 2: expected 'c' but found 'b'");
  EXPECT_EQ(output_difference("a", "a\nc", 0), "line 2: expected 'c' but the output ends");
  EXPECT_EQ(output_difference("a\nb", "a", 0), "line 2: expected the end but found 'b'");
  EXPECT_LT(output_difference(std::string(100'000, 'x'), "a", 0)->size(), 200U);
}

TEST(OutputDifference, NumbersAreDecimals) {
  EXPECT_EQ(output_difference("1.0 x 2.50", "1 x 2.5", 0), std::nullopt);
  EXPECT_NE(output_difference("0.333333", "0.333334", 0), std::nullopt);
  EXPECT_EQ(output_difference("0.333333", "0.333334", 1e-5), std::nullopt);
  EXPECT_EQ(output_difference("1000001", "1000000", 1e-5), std::nullopt) << "relative";
  EXPECT_NE(output_difference("nan", "1", 0.5), std::nullopt);
  EXPECT_NE(output_difference("inf", "1", 0.5), std::nullopt);
}

TEST(SameDecimal, Exactly) {
  for (const auto& [a, b] : {std::pair("1", "1.0"),
                             {"-0.50e1", "-5"},
                             {"+3", "3"},
                             {"007", "7"},
                             {"1e3", "1000"},
                             {".5", "0.5"},
                             {"5.", "5"},
                             {"0", "-0.00"},
                             {"1e-2", "0.01"},
                             {"123456789012345678901234567890", "123456789012345678901234567890.0"}}) {
    EXPECT_TRUE(same_decimal(a, b)) << a << " " << b;
  }
  for (const auto& [a, b] : {std::pair("1", "2"),
                             {"1", "-1"},
                             {"", ""},
                             {".", "."},
                             {"abc", "abc"},
                             {"1e", "1e"},
                             {"1e3", "100"},
                             {"--1", "--1"},
                             {"1.2.3", "1.2.3"},
                             {"1e+-2", "1e+-2"},
                             {"1e99999999999999999999", "1e99999999999999999999"},
                             {"100000000000000000000", "100000000000000000001"},
                             {"0x10", "16"}}) {
    EXPECT_FALSE(same_decimal(a, b)) << a << " " << b;
  }
}

bool matches(const char* found, const char* expected, double tolerance = 1e-6) {
  return value_matches(parse_json(found, "found").value(), parse_json(expected, "expected").value(), tolerance);
}

TEST(ValueMatches, LikePython) {
  EXPECT_TRUE(matches("1", "1"));
  EXPECT_TRUE(matches("true", "1")) << "True == 1";
  EXPECT_TRUE(matches(R"({"f": "1.0"})", "1"));
  EXPECT_TRUE(matches(R"({"f": "0.30000000000000004"})", "0.3"));
  EXPECT_TRUE(matches(R"({"t": [1, [2]]})", "[1, [2]]"));
  EXPECT_TRUE(matches(R"({"d": [["a", 1], [2, null]]})", R"({"2": null, "a": 1})"));
  EXPECT_TRUE(matches(R"("x")", R"("x")"));
  EXPECT_TRUE(matches("null", "null"));
  EXPECT_TRUE(matches(R"({"i": "0x20000000000001"})", "9007199254740993"));
  EXPECT_TRUE(matches(R"({"i": "-0x8000000000000000"})", "-9223372036854775808"));
  EXPECT_TRUE(matches(R"({"i": "0x1000000000000000000"})", "4722366482869645213696"));
}

TEST(ValueMatches, NothingElse) {
  for (const auto& [found, expected] : {std::pair("1", "2"),
                                        {"\"1\"", "1"},
                                        {"1", "\"1\""},
                                        {"null", "0"},
                                        {"0", "null"},
                                        {"[1]", "[1, 2]"},
                                        {"[1, 2]", "[2, 1]"},
                                        {R"({"S": [1]})", "[1]"},
                                        {R"({"it": [1]})", "[1]"},
                                        {R"({"f": "nan"})", "1"},
                                        {R"({"f": "inf"})", "1"},
                                        {R"({"f": "x"})", "1"},
                                        {R"({"f": 1})", "1"},
                                        {R"({"o": 0, "type": "A"})", "1"},
                                        {R"({"d": [["a", 1]]})", R"({"a": 2})"},
                                        {R"({"d": [[1]]})", R"({"a": 2})"},
                                        {R"({"a": 1})", R"({"a": 1})"},
                                        {R"({"d": 1})", "{}"},
                                        {R"({"t": 1})", "[]"},
                                        {"[]", "{}"},
                                        {R"({"i": "0x20000000000001"})", "9007199254740992"},
                                        {R"({"i": "x"})", "0"},
                                        {R"({"i": 5})", "5"},
                                        {R"({"i": "0x1000000000000000001"})", "4722366482969645213696"},
                                        {"9007199254740993", "9007199254740992"}}) {
    EXPECT_FALSE(matches(found, expected)) << found << " " << expected;
  }
}

void expect_refused(const char* json, ErrorCode code, std::initializer_list<std::string_view> parts,
                    CodeLanguage language = CodeLanguage::kPython) {
  testing::expect_error(read_code_tests(parse_json(json, "json").value(), language, "line 7"), code, parts);
}

TEST(ReadCodeTests, RefusesWhatIsNoTest) {
  expect_refused("[]", ErrorCode::kCorrupt, {"line 7", "object"});
  expect_refused("{}", ErrorCode::kNotFound, {"line 7", "type"});
  expect_refused(R"({"type": "magic"})", ErrorCode::kCorrupt, {"magic", "humaneval"});
  expect_refused(R"({"type": "stdio"})", ErrorCode::kNotFound, {"cases"});
  expect_refused(R"({"type": "stdio", "cases": []})", ErrorCode::kCorrupt, {"no test"});
  expect_refused(R"({"type": "stdio", "cases": [{"input": "x"}]})", ErrorCode::kNotFound, {"output"});
  expect_refused(R"({"type": "stdio", "inputs": ["x"], "outputs": []})", ErrorCode::kCorrupt, {"1 inputs but 0"});
  expect_refused(R"({"type": "stdio", "tolerance": 2, "cases": [{"output": "x"}]})", ErrorCode::kCorrupt,
                 {"tolerance"});
  expect_refused(R"({"type": "call", "cases": [{"args": [], "expected": 1}]})", ErrorCode::kNotFound, {"entry_point"});
  expect_refused(R"({"type": "call", "entry_point": "f", "cases": [{"args": []}]})", ErrorCode::kNotFound,
                 {"expected"});
  expect_refused(R"({"type": "call", "entry_point": "f", "cases": []})", ErrorCode::kUnsupported, {"Python"},
                 CodeLanguage::kCpp);
  expect_refused(R"({"type": "asserts", "asserts": []})", ErrorCode::kCorrupt, {"no test"});
  expect_refused(R"({"type": "asserts", "asserts": [1]})", ErrorCode::kCorrupt, {"strings"});
  expect_refused(R"({"type": "asserts", "asserts": ["a", "b"]})", ErrorCode::kCorrupt, {"one C++ text"},
                 CodeLanguage::kCpp);
  expect_refused(R"({"type": "checker", "cases": [{}]})", ErrorCode::kNotFound, {"checker"});
}

TEST(ReadCodeTests, TakesTwoListsAsWell) {
  const Expected<CodeTests> tests =
      read_code_tests(parse_json(R"({"type": "stdio", "inputs": ["1", "2"], "outputs": ["a", "b"]})", "json").value(),
                      CodeLanguage::kCpp, "x");
  ASSERT_TRUE(tests);
  ASSERT_EQ(tests->count(), 2U);
  EXPECT_EQ(tests->cases[1].input, "2");
  EXPECT_EQ(tests->cases[1].expected, "b");
}

}  // namespace
}  // namespace retort::grade
