#include "eval/csv.h"

#include <gtest/gtest.h>

#include "testing/expect_error.h"

namespace retort::eval {
namespace {

using Fields = std::vector<std::string>;

TEST(Csv, QuotedFieldsHoldCommasQuotesAndLineBreaks) {
  const auto records = parse_csv("a,b\n\"x, \"\"y\"\"\nz\",2\r\n,\n", "f.csv").value();
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[1].fields, (Fields{"x, \"y\"\nz", "2"}));
  EXPECT_EQ(records[1].line, 2);
  EXPECT_EQ(records[2].fields, (Fields{"", ""}));
  EXPECT_EQ(records[2].line, 4) << "a record of two lines counts as two";
}

TEST(Csv, EndsOfLinesAndOfTheFile) {
  EXPECT_EQ(parse_csv("a,b\r\n1,2\r\n", "f").value()[1].fields, (Fields{"1", "2"}));
  EXPECT_EQ(parse_csv("a,b\n1,\"2\"", "f").value()[1].fields, (Fields{"1", "2"}));
  EXPECT_EQ(parse_csv("a,b\n1,2\r", "f").value()[1].fields, (Fields{"1", "2"}));
  EXPECT_EQ(parse_csv("a,b\n1,", "f").value().size(), 2U);
  EXPECT_EQ(parse_csv("\xEF\xBB\xBF"
                      "a,b\n\n1,2\n\n",
                      "f")
                .value()
                .size(),
            2U)
      << "no empty lines, no mark";
  EXPECT_EQ(parse_csv("\xEF\xBB\xBF"
                      "a\n",
                      "f")
                .value()[0]
                .fields[0],
            "a");
  EXPECT_TRUE(parse_csv("", "f").value().empty());
}

TEST(Csv, WhatIsNoneIsRefusedWithItsLine) {
  testing::expect_error(parse_csv("a,b\n1,2,3\n", "f.csv"), ErrorCode::kCorrupt, {"f.csv:2:", "3 fields", "has 2"});
  testing::expect_error(parse_csv("a,b\n1,x\"y\n", "f.csv"), ErrorCode::kCorrupt, {"f.csv:2:", "quote"});
  testing::expect_error(parse_csv("a,b\n1,\"x\n\n", "f.csv"), ErrorCode::kCorrupt, {"f.csv:2:", "never closed"});
  testing::expect_error(parse_csv("a,b\n\"1\"x,2\n", "f.csv"), ErrorCode::kCorrupt, {"f.csv:2:", "behind"});
  testing::expect_error(parse_csv(std::string(1000, ','), "f.csv"), ErrorCode::kOutOfRange, {"f.csv:1:", "1000"});
}

}  // namespace
}  // namespace retort::eval
