// Formulas against numbers that are known otherwise.
#include "eval/statistics.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <map>

#include "eval/bootstrap.h"
#include "eval/loglikelihood.h"
#include "eval/majority.h"
#include "eval/mcnemar.h"
#include "eval/pass_at_k.h"
#include "eval/perplexity.h"
#include "eval/random.h"

namespace retort::eval {
namespace {

TEST(Mean, HasTheErrorOfItsQuestions) {
  const std::vector<double> scores = {1, 0, 1, 0.5};
  const Estimate estimate = mean_estimate(scores);
  EXPECT_DOUBLE_EQ(estimate.value, 0.625);
  // Squares: 0.140625 + 0.390625 + 0.140625 + 0.015625 = 0.6875; over 4 * 3.
  EXPECT_NEAR(estimate.standard_error, std::sqrt(0.6875 / 12), 1e-15);
  EXPECT_EQ(estimate.count, 4);
  EXPECT_EQ(mean_estimate({}).count, 0);
  EXPECT_EQ(mean_estimate(std::vector<double>{1}).standard_error, 0);
}

// Every choice of k from n, counted.
double pass_by_counting(int n, int c, int k) {
  int all = 0;
  int good = 0;
  for (unsigned set = 0; set < 1U << n; ++set) {
    if (__builtin_popcount(set) != k) continue;
    ++all;
    good += (set & ((1U << c) - 1)) != 0 ? 1 : 0;
  }
  return static_cast<double>(good) / all;
}

TEST(PassAtK, IsTheShareOfChoicesWithARightOne) {
  for (int n = 1; n <= 8; ++n) {
    for (int c = 0; c <= n; ++c) {
      for (int k = 1; k <= n; ++k) {
        EXPECT_NEAR(pass_at_k({n, c}, k).value(), pass_by_counting(n, c, k), 1e-12) << n << " " << c << " " << k;
        EXPECT_NEAR(g_pass_at_k({n, c}, k, 0).value(), pass_by_counting(n, c, k), 1e-11) << n << " " << c << " " << k;
      }
    }
  }
}

TEST(PassAtK, ToldOnlyFromEnoughSamples) {
  EXPECT_EQ(pass_at_k({4, 4}, 5), std::nullopt);
  EXPECT_EQ(pass_at_k({4, 4}, 0), std::nullopt);
  EXPECT_EQ(pass_at_k({4, 5}, 1), std::nullopt);
  EXPECT_EQ(g_pass_at_k({4, 4}, 2, 1.5), std::nullopt);
  EXPECT_EQ(mean_g_pass_at_k({0, 0}, 1), std::nullopt);
}

TEST(GPassAtK, AThresholdThatIsAWholeNumberIsNotRoundedUp) {
  // 0.2 * 5 is 1 and a little more as a double.
  EXPECT_DOUBLE_EQ(g_pass_at_k({5, 1}, 5, 0.2).value(), 1);
  EXPECT_DOUBLE_EQ(g_pass_at_k({10, 3}, 10, 0.3).value(), 1);
  EXPECT_DOUBLE_EQ(g_pass_at_k({10, 3}, 10, 0.31).value(), 0);
}

TEST(Majority, FirstSeenWinsTies) {
  const std::vector<std::optional<std::string>> answers = {std::nullopt, "b", "a", "a", "b", "c"};
  const auto winner = majority(answers, same_text);
  ASSERT_TRUE(winner.has_value());
  EXPECT_EQ(winner->first, 1U);
  EXPECT_EQ(winner->votes, 2U);
  EXPECT_EQ(winner->voters, 5U);
  EXPECT_EQ(majority(std::vector<std::optional<std::string>>{std::nullopt}, same_text), std::nullopt);
}

TEST(Majority, AnswersAreGroupedByWhatTheyMean) {
  const std::vector<std::optional<std::string>> answers = {"1", "0.5", "1/2"};
  const auto winner =
      majority(answers, [](std::string_view a, std::string_view b) { return a == b || (a != "1" && b != "1"); });
  EXPECT_EQ(winner->first, 1U);
  EXPECT_EQ(winner->votes, 2U);
}

TEST(Random, IsTheSameEverywhere) {
  // Philox4x32-10 of counter 0 and key 0, as its authors publish it.
  RandomStream random(0, 0);
  EXPECT_EQ(random.next(), 0x6627e8d5U);
  EXPECT_EQ(random.next(), 0xe169c58dU);
  EXPECT_EQ(random.next(), 0xbc57ac4cU);
  EXPECT_EQ(random.next(), 0x9b00dbd8U);
  EXPECT_NE(random.next(), 0x6627e8d5U);
}

TEST(Random, PermutationsAreEquallyLikely) {
  std::map<std::vector<std::size_t>, int> counts;
  for (std::uint64_t stream = 0; stream < 6000; ++stream) ++counts[permutation(3, RandomStream(7, stream))];
  ASSERT_EQ(counts.size(), 6U);
  // 1000 expected of each, with a standard deviation of 29.
  for (const auto& [order, count] : counts) EXPECT_NEAR(count, 1000, 5 * 29);
  EXPECT_TRUE(permutation(0, RandomStream(7, 0)).empty());
}

TEST(Bootstrap, IntervalOfAProportion) {
  std::vector<double> scores(400);
  for (std::size_t i = 0; i < 120; ++i) scores[i] = 1;
  const Interval interval = bootstrap_mean(scores, {.seed = 1});
  // 0.3 +- 1.96 sqrt(0.3 * 0.7 / 400) = 0.3 +- 0.0449; the ends of 10,000 resamples scatter by some 0.0006.
  EXPECT_NEAR(interval.low, 0.2551, 0.004);
  EXPECT_NEAR(interval.high, 0.3449, 0.004);
  const Interval again = bootstrap_mean(scores, {.seed = 1});
  EXPECT_EQ(interval.low, again.low);
  EXPECT_EQ(interval.high, again.high);
}

TEST(Bootstrap, OfNearlyNothing) {
  EXPECT_EQ(bootstrap_mean({}).high, 0);
  const Interval one = bootstrap_mean(std::vector<double>{0.25});
  EXPECT_EQ(one.low, 0.25);
  EXPECT_EQ(one.high, 0.25);
}

TEST(McNemar, IsTwoTailsOfAFairCoin) {
  EXPECT_DOUBLE_EQ(mcnemar_exact(0, 0), 1);
  EXPECT_NEAR(mcnemar_exact(0, 5), 2.0 / 32, 1e-12);
  EXPECT_NEAR(mcnemar_exact(1, 9), 2.0 * 11 / 1024, 1e-12);
  EXPECT_NEAR(mcnemar_exact(9, 1), 2.0 * 11 / 1024, 1e-12);
  EXPECT_DOUBLE_EQ(mcnemar_exact(4, 4), 1) << "no more than 1";
  EXPECT_GT(mcnemar_exact(1000, 1100), 0.02) << "beyond what a double's exponent holds: 2^-2100";
  EXPECT_LT(mcnemar_exact(1000, 1100), 0.04);
}

TEST(Loglikelihood, NormalizedByBytes) {
  const std::vector<double> values = {-4, -6, -7};
  const std::vector<std::string> choices = {"ab", "abcdef", "abcdefgh"};
  EXPECT_EQ(likeliest(values), 0U);
  EXPECT_EQ(likeliest_by_length(values, choices), 2U);
  EXPECT_EQ(likeliest(std::vector<double>{NAN, -3, NAN}), 1U);
}

TEST(Perplexity, WordsAsPythonSplitsThem) {
  EXPECT_EQ(count_words("a b"), 2);
  EXPECT_EQ(count_words(""), 1);
  EXPECT_EQ(count_words(" a  b\n"), 4) << "an empty piece at each end";
  EXPECT_EQ(count_words("a\xC2\xA0"
                        "b\xE2\x80\xA8"
                        "c\xE3\x80\x80"
                        "d"),
            4)
      << "U+00A0, U+2028, U+3000";
  EXPECT_EQ(count_words("a\xE2\x80\x8B"
                        "b"),
            1)
      << "U+200B is no white space";
}

TEST(Perplexity, UnitsAgree) {
  TextLikelihood sum{-10, 2, 8};
  sum += {-6, 2, 8};
  EXPECT_DOUBLE_EQ(word_perplexity(sum), std::exp(4));
  EXPECT_DOUBLE_EQ(byte_perplexity(sum), std::exp(1));
  EXPECT_DOUBLE_EQ(bits_per_byte(sum), 1 / std::log(2));
  EXPECT_TRUE(std::isnan(word_perplexity({})));
}

}  // namespace
}  // namespace retort::eval
