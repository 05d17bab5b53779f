#include "eval/selection.h"

#include <algorithm>
#include <gtest/gtest.h>

#include "testing/expect_error.h"

namespace retort::eval {
namespace {

using Places = std::vector<std::size_t>;
const std::vector<std::string> kFive = {"a", "b", "c", "d", "e"};

TEST(Selection, PartsAreDisjointAndTogetherAll) {
  EXPECT_EQ(select_questions(kFive, {}).value(), (Places{0, 1, 2, 3, 4}));
  EXPECT_EQ(select_questions(kFive, {.shard = {0, 2}}).value(), (Places{0, 2, 4}));
  EXPECT_EQ(select_questions(kFive, {.shard = {1, 2}}).value(), (Places{1, 3}));
  EXPECT_EQ(select_questions(kFive, {.limit = 2}).value(), (Places{0, 1}));
  EXPECT_EQ(select_questions(kFive, {.ids = {"d", "b"}}).value(), (Places{1, 3}));
}

TEST(Selection, TheOrderDependsOnTheSeedAlone) {
  const Places order = select_questions(kFive, {.order_seed = 3}).value();
  EXPECT_EQ(order, select_questions(kFive, {.order_seed = 3}).value());
  Places sorted = order;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(sorted, (Places{0, 1, 2, 3, 4}));
  int same = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    same += select_questions(kFive, {.order_seed = seed}).value() == order ? 1 : 0;
  }
  EXPECT_LT(same, 5);
}

TEST(Selection, WhatMakesNoSenseIsRefused) {
  testing::expect_error(select_questions(kFive, {.ids = {"a", "x"}}), ErrorCode::kInvalidArgument, {"'x'", "5"});
  testing::expect_error(select_questions(kFive, {.limit = 0}), ErrorCode::kInvalidArgument, {"0"});
  testing::expect_error(select_questions(kFive, {.shard = {6, 7}}), ErrorCode::kInvalidArgument, {"6/7", "empty"});
  EXPECT_EQ(parse_shard("3/4").value().index, 3);
  for (const char* text : {"", "4/4", "-1/4", "1", "1/", "/2", "1/4x", "1/0"}) {
    testing::expect_error(parse_shard(text), ErrorCode::kInvalidArgument, {"I/N"});
  }
}

}  // namespace
}  // namespace retort::eval
