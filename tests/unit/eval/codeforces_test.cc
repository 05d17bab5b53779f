// Ratings by CodeElo's method.
#include "eval/codeforces.h"

#include <cmath>
#include <gtest/gtest.h>

#include "core/json.h"
#include "testing/expect_error.h"
#include "testing/shared_data.h"

namespace retort::eval {
namespace {

TEST(Codeforces, PercentilesOf2024) {
  RETORT_SHARED_OR_SKIP(path, "data/code/codeforces_ratings_2024_hist.json");
  const RatingHistogram histogram = RatingHistogram::read(path).value();
  EXPECT_NEAR(histogram.percentile(1820), 93.3, 0.05);
  EXPECT_NEAR(histogram.percentile(2029), 96.4, 0.05);
  EXPECT_EQ(histogram.percentile(-1000), 0);
  EXPECT_EQ(histogram.percentile(10000), 100);
}

TEST(Codeforces, PercentileCountsThoseBelow) {
  const RatingHistogram histogram = RatingHistogram::parse(Json{{"-5", 1}, {"1500", 2}, {"900", 1}}).value();
  EXPECT_EQ(histogram.percentile(900), 25) << "not those of the same rating";
  EXPECT_EQ(histogram.percentile(900.5), 50);
  testing::expect_error(RatingHistogram::parse(Json{{"x", 1}}), ErrorCode::kCorrupt, {"'x'"});
  testing::expect_error(RatingHistogram::parse(Json{{"1", -1}}), ErrorCode::kCorrupt, {"1"});
  testing::expect_error(RatingHistogram::parse(Json{{"1", 0}}), ErrorCode::kCorrupt, {"nobody"});
}

TEST(Codeforces, RatingIsWhereTheExpectedRankIsTheRank) {
  const std::vector<double> ratings = {1200, 1500, 1500, 2100};
  for (const double rank : {1.5, 2.0, 3.3}) {
    const double rating = rating_for_rank(ratings, rank);
    double expected = 1;
    for (const double other : ratings) expected += 1 / (1 + std::pow(10, (rating - other) / 400));
    EXPECT_NEAR(expected, rank, 1e-6);
  }
  EXPECT_NEAR(rating_for_rank(std::vector<double>{1500}, 1.5), 1500, 1e-6) << "even chances";
  EXPECT_NEAR(rating_for_rank(ratings, 1), 4000, 1e-6) << "no finite one is that good";
  EXPECT_NEAR(rating_for_rank(ratings, 6), 0, 1e-6);
}

Contest small_contest() {
  return {.id = "1",
          .problems = {{"A", 500}, {"B", 1000}, {"C", 40}},
          .contestants = {{2000, 1500, 0}, {1500, 900, 0}, {1400, 900, 0}, {1000, 100, 0}}};
}

TEST(Codeforces, FailedTriesCostFiftyPoints) {
  const Contest contest = small_contest();
  const ContestResult result = take_part(contest, {{"B", {true, 2}}, {"A", {false, 0}}, {"C", {true, 3}}});
  EXPECT_EQ(result.points, 900) << "C is worth no less than nothing";
  EXPECT_EQ(result.rank, 2) << "equal points share the better rank";
  EXPECT_EQ(result.of, 4);
  EXPECT_NEAR(result.rating, rating_for_rank(std::vector<double>{2000, 1500, 1400, 1000}, 2), 1e-9);
  EXPECT_EQ(take_part(contest, {}).rank, 5);
  EXPECT_EQ(mean_rating({}), std::nullopt);
}

TEST(Codeforces, WithoutPointsProblemsAndPenaltyCount) {
  const Contest contest{.id = "2", .problems = {{"A", {}}, {"B", {}}}, .contestants = {{1500, 1, 5}, {1500, 1, 30}}};
  const ContestResult result = take_part(contest, {{"A", {true, 2}}});
  EXPECT_EQ(result.points, 1);
  EXPECT_EQ(result.penalty, 20);
  EXPECT_EQ(result.rank, 2);
}

TEST(Codeforces, StandingsAreChecked) {
  const auto parse = [](const char* text) { return parse_standings(parse_json(text, "t").value()); };
  const auto contests = parse(R"({"contests": [{"id": 1900, "problems": [{"index": "A", "points": 500}, {"index": "B"}],
      "contestants": [{"rating": 1500, "points": 500, "penalty": 3}]}]})");
  ASSERT_TRUE(contests.has_value());
  EXPECT_EQ(contests->at(0).id, "1900");
  EXPECT_EQ(contests->at(0).problems[1].points, std::nullopt);
  EXPECT_EQ(contests->at(0).contestants[0].penalty, 3);
  testing::expect_error(parse("[]"), ErrorCode::kCorrupt, {"contests"});
  testing::expect_error(parse(R"({"contests": [{"id": 1, "problems": [{"index": "A"}], "contestants": []}]})"),
                        ErrorCode::kCorrupt, {"contest 1", "contestants"});
  testing::expect_error(
      parse(
          R"({"contests": [{"id": 1, "problems": [{"index": "A"}], "contestants": [{"rating": "x", "points": 1}]}]})"),
      ErrorCode::kCorrupt, {"contest 1", "contestant 1", "rating"});
  testing::expect_error(parse(R"({"contests": [{"id": 1, "problems": [{"index": "A"}, {"index": "A"}]}]})"),
                        ErrorCode::kCorrupt, {"'A'", "twice"});
}

}  // namespace
}  // namespace retort::eval
