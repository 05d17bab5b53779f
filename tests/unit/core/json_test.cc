#include "core/json.h"

#include <gtest/gtest.h>

namespace retort {
namespace {

TEST(Json, SyntaxErrorsNameTheFileAndThePlace) {
  const auto parsed = parse_json("{\"a\": [1, 2,]}", "config.json");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code(), ErrorCode::kCorrupt);
  EXPECT_NE(parsed.error().message().find("config.json: not valid JSON"), std::string::npos);
  EXPECT_NE(parsed.error().message().find("column 13"), std::string::npos) << parsed.error().message();
}

TEST(Json, DepthIsBounded) {
  const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  const auto parsed = parse_json(deep, "x");
  ASSERT_FALSE(parsed);
  EXPECT_NE(parsed.error().message().find("nested deeper than 128"), std::string::npos) << parsed.error().message();
  EXPECT_TRUE(parse_json(std::string(100, '[') + std::string(100, ']'), "x"));
}

TEST(Json, DuplicateKeysAreFoundWhereTheyMatter) {
  EXPECT_TRUE(parse_json(R"({"a":1,"a":2})", "x"));
  const auto parsed = parse_json(R"({"b":{"a":1},"c":{"a":1,"a":2}})", "x", DuplicateKeys::kRefuse);
  ASSERT_FALSE(parsed);
  EXPECT_NE(parsed.error().message().find("'a' appears twice"), std::string::npos);
  EXPECT_TRUE(parse_json(R"({"b":{"a":1},"c":{"a":1}})", "x", DuplicateKeys::kRefuse));
}

TEST(Json, FieldsAreCheckedForKindAndRange) {
  const Json object = parse_json(R"({"n": 7, "f": 1e3, "s": "text", "h": 1.5, "big": 18446744073709551615,
                                     "none": null, "t": true})",
                                 "x")
                          .value();
  EXPECT_EQ(json_int(object, "n", {0, 10}).value(), 7);
  EXPECT_EQ(json_int(object, "f", {0, 1000}).value(), 1000);
  EXPECT_EQ(json_int(object, "none", {0, 1}, 5).value(), 5);
  EXPECT_FALSE(json_int(object, "h", {0, 10}));
  EXPECT_FALSE(json_int(object, "big", {0, 10}));
  EXPECT_EQ(json_int(object, "n", {8, 10}).error().message(), "field 'n' must be an integer from 8 to 10 but is 7");
  EXPECT_EQ(json_int(object, "s", {0, 1}).error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(json_int(object, "absent", {0, 1}).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(json_bool(object, "t").value(), true);
  EXPECT_FALSE(json_bool(object, "n"));
  EXPECT_DOUBLE_EQ(json_number(object, "h").value(), 1.5);
  EXPECT_EQ(json_string(object, "s").value(), "text");
}

}  // namespace
}  // namespace retort
