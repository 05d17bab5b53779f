// The cases of lighteval's own suite of metrics (tests/unit/metrics/test_cases), read from outside.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <gtest/gtest.h>

#include "core/json.h"
#include "eval/loglikelihood.h"
#include "eval/majority.h"
#include "eval/pass_at_k.h"
#include "eval/perplexity.h"
#include "eval/statistics.h"
#include "eval/text_metrics.h"
#include "testing/shared_data.h"

namespace retort::eval {
namespace {

using Answers = std::vector<std::string>;
// Whether an answer is right: a stand-in for the grader that the suite would call.
using IsRight = std::function<bool(const std::string& answer, const std::string& gold)>;

bool same_as_gold(const std::string& answer, const std::string& gold) { return exact_match(answer, gold) == 1; }

// The suite's mathematics reads a number at the start of an answer, or nothing; that is all its cases need.
std::optional<double> leading_number(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || text.starts_with("inf")) return std::nullopt;
  if (*end != '/') return value;
  const double below = std::strtod(end + 1, &end);
  return *end == 0 && below != 0 ? std::optional<double>(value / below) : std::nullopt;
}

bool same_number(const std::string& answer, const std::string& gold) {
  const auto a = leading_number(answer);
  const auto b = leading_number(gold);
  return a && b && std::abs(*a - *b) < 1e-9;
}

std::vector<std::size_t> gold_indices(const Json& doc) {
  const Json& index = doc.at("gold_index");
  return index.is_array() ? index.get<std::vector<std::size_t>>() : std::vector{index.get<std::size_t>()};
}

std::string first_gold(const Json& test) {
  const Json& doc = test.at("doc");
  return doc.at("choices").at(gold_indices(doc).front());
}

Tries tries_of(const Json& test, const IsRight& is_right) {
  const auto answers = test.at("model_response").at("text").get<Answers>();
  Tries tries{.n = test.at("metric_params").value("n", static_cast<std::int64_t>(answers.size()))};
  for (std::size_t i = 0; i < static_cast<std::size_t>(tries.n); ++i) {
    tries.c += is_right(answers.at(i), first_gold(test)) ? 1 : 0;
  }
  return tries;
}

// Runs `check` on each case of a file; false where the file is missing.
bool for_cases(const std::string& name, const std::function<void(const Json&)>& check) {
  const auto path = testing::shared_file("data/grading/metric_fixtures/" + name + ".json");
  if (!path) return false;
  const Json suite = parse_json(testing::read_text(*path), name).value();
  EXPECT_FALSE(suite.at("test_cases").empty());
  for (const Json& test : suite.at("test_cases")) {
    SCOPED_TRACE(name + ": " + test.at("name").get<std::string>());
    check(test);
  }
  return true;
}

void expect_value(const Json& test, double value) {
  ASSERT_EQ(test.at("expected_output").size(), 1U);
  EXPECT_NEAR(value, test.at("expected_output").begin()->get<double>(), test.at("tolerance").get<double>());
}

#define RETORT_CASES(name, ...) \
  if (!for_cases(name, __VA_ARGS__)) GTEST_SKIP() << "no shared data: metric_fixtures/" << (name) << ".json"

TEST(MetricFixtures, PassAtK) {
  const auto check = [](const IsRight& is_right) {
    return [is_right](const Json& test) {
      expect_value(test, pass_at_k(tries_of(test, is_right), test.at("metric_params").at("k")).value());
    };
  };
  RETORT_CASES("pass_at_k", check(same_as_gold));
  RETORT_CASES("pass_at_k_math", check(same_number));
}

TEST(MetricFixtures, PassAtKOfLetters) {
  // There the gold is the letter of the right choice's place, whatever the choice says.
  RETORT_CASES("pass_at_k_letters", [](const Json& test) {
    const std::string letter(1, static_cast<char>('A' + gold_indices(test.at("doc")).front()));
    const auto is_right = [&letter](const std::string& answer, const std::string&) { return answer == letter; };
    expect_value(test, pass_at_k(tries_of(test, is_right), test.at("metric_params").at("k")).value());
  });
}

TEST(MetricFixtures, GPassAtK) {
  const auto check = [](const IsRight& is_right, const std::string& prefix) {
    return [is_right, prefix](const Json& test) {
      const std::int64_t k = test.at("metric_params").at("k");
      const Tries tries = tries_of(test, is_right);
      const Json& expected = test.at("expected_output");
      std::size_t seen = 1;
      for (const double tau : test.at("metric_params").at("thresholds").get<std::vector<double>>()) {
        // As Python prints them: 0.0, 0.25.
        const std::string key = fmt::format("{}g-pass@{}_{}", prefix, k, Json(tau).dump());
        ASSERT_TRUE(expected.contains(key)) << key;
        EXPECT_NEAR(g_pass_at_k(tries, k, tau).value(), expected.at(key).get<double>(), 1e-9) << key;
        ++seen;
      }
      EXPECT_NEAR(mean_g_pass_at_k(tries, k).value(), expected.at(fmt::format("m{}g-pass@{}", prefix, k)).get<double>(),
                  1e-9);
      EXPECT_EQ(seen, expected.size());
    };
  };
  RETORT_CASES("g_pass_at_k", check(same_as_gold, ""));
  RETORT_CASES("g_pass_at_k_math", check(same_number, "math_"));
}

TEST(MetricFixtures, AverageAtK) {
  const auto check = [](const IsRight& is_right) {
    return [is_right](const Json& test) {
      const auto answers = test.at("model_response").at("text").get<Answers>();
      std::vector<double> scores;
      for (std::size_t i = 0; i < test.at("metric_params").at("k").get<std::size_t>(); ++i) {
        scores.push_back(is_right(answers.at(i), first_gold(test)) ? 1 : 0);
      }
      expect_value(test, question_mean(scores));
    };
  };
  RETORT_CASES("avg_at_k", check(same_as_gold));
  RETORT_CASES("avg_at_k_math", check(same_number));
}

TEST(MetricFixtures, MajorityAtK) {
  RETORT_CASES("maj_at_k", [](const Json& test) {
    std::vector<std::optional<std::string>> answers;
    for (const auto& answer : test.at("model_response").at("text").get<Answers>()) answers.emplace_back(answer);
    const auto winner = majority(answers, same_text);
    ASSERT_TRUE(winner.has_value());
    expect_value(test, *answers[winner->first] == first_gold(test) ? 1 : 0);
  });
}

TEST(MetricFixtures, ExactMatch) {
  RETORT_CASES("exact_match", [](const Json& test) {
    expect_value(test, exact_match(test.at("model_response").at("text").at(0).get<std::string>(), first_gold(test)));
  });
}

TEST(MetricFixtures, LoglikelihoodAccuracy) {
  RETORT_CASES("loglikelihood_acc", [](const Json& test) {
    const std::size_t best = likeliest(test.at("model_response").at("logprobs").get<std::vector<double>>());
    const auto golds = gold_indices(test.at("doc"));
    expect_value(test, std::count(golds.begin(), golds.end(), best) > 0 ? 1 : 0);
  });
}

TEST(MetricFixtures, WordPerplexity) {
  RETORT_CASES("word_perplexity", [](const Json& test) {
    TextLikelihood sum;
    for (std::size_t i = 0; i < test.at("docs").size(); ++i) {
      const auto text = test.at("docs").at(i).at("query").get<std::string>();
      double loglikelihood = 0;
      for (const double term : test.at("model_responses").at(i).at("logprobs").get<std::vector<double>>()) {
        loglikelihood += term;
      }
      sum += {loglikelihood, count_words(text), static_cast<std::int64_t>(text.size())};
    }
    EXPECT_NEAR(word_perplexity(sum), test.at("expected_output").get<double>(), 1e-12);
  });
}

// The numbers of these three files are no results: the suite that they come from checks only that the metric makes an
// input of that name for its sum over the corpus (its _compare_dict_outputs skips "CorpusMetricInput"). What is checked
// here is that the formulas hold on their inputs, which have the fields that they need.
TEST(MetricFixtures, PerplexitiesOfSingleCases) {
  RETORT_CASES("target_perplexity", [](const Json& test) {
    const auto gold = gold_indices(test.at("doc")).front();
    const double loglikelihood = test.at("model_response").at("logprobs").at(gold);
    EXPECT_DOUBLE_EQ(target_perplexity(loglikelihood, count_words(first_gold(test))), std::exp(-loglikelihood));
    EXPECT_TRUE(test.at("expected_output").contains("ppl"));
  });
  for (const char* name : {"byte_perplexity", "bits_per_byte"}) {
    RETORT_CASES(name, [name](const Json& test) {
      const auto bytes = static_cast<std::int64_t>(test.at("doc").at("query").get<std::string>().size());
      const TextLikelihood sum{0.5 + 0.3 + 0.2, 1, bytes};
      EXPECT_NEAR(std::log(byte_perplexity(sum)) * static_cast<double>(bytes), -1, 1e-12);
      EXPECT_NEAR(std::exp2(bits_per_byte(sum)), byte_perplexity(sum), 1e-12);
      EXPECT_TRUE(test.at("expected_output").contains(name));
    });
  }
}

}  // namespace
}  // namespace retort::eval
