// From samples to a summary, and to the files that others read.
#include "eval/scores.h"

#include <cmath>
#include <gtest/gtest.h>

#include "core/json.h"
#include "eval/results.h"
#include "testing/shared_data.h"
#include "testing/temp_dir.h"

namespace retort::eval {
namespace {

Sample graded(std::int64_t row, std::int64_t index, const char* answer, double score) {
  return {.question_id = "q" + std::to_string(row),
          .row = row,
          .index = index,
          .output = "so it is " + std::string(answer),
          .finish_reason = "stop",
          .answer = answer,
          .outcome = Outcome::kGraded,
          .score = score};
}

std::vector<Sample> three_questions() {
  std::vector<Sample> samples = {graded(0, 0, "1", 1), graded(0, 1, "1", 1), graded(0, 2, "2", 0),
                                 graded(0, 3, "1", 1), graded(1, 0, "5", 0), graded(1, 1, "7", 1),
                                 graded(1, 2, "5", 0), graded(1, 3, "6", 0)};
  for (std::int64_t i = 0; i < 4; ++i) {
    Sample sample = graded(2, i, "", 0);
    sample.answer.reset();
    sample.outcome = i == 0 ? Outcome::kTimedOut : i == 1 ? Outcome::kFailed : Outcome::kUnparsed;
    sample.finish_reason = "length";
    if (i == 3) sample.output = " \n";
    samples.push_back(sample);
  }
  return samples;
}

TEST(Scores, SamplesAreAveragedBeforeQuestions) {
  const Summary summary = summarize(three_questions());
  EXPECT_DOUBLE_EQ(summary.mean.value, (0.75 + 0.25 + 0) / 3);
  EXPECT_EQ(summary.mean.count, 3);
  ASSERT_EQ(summary.pass_at_k.size(), 3U);
  EXPECT_EQ(summary.pass_at_k[1].k, 2);
  EXPECT_NEAR(summary.pass_at_k[0].estimate.value, summary.mean.value, 1e-12);
  // 1; of six pairs of the second question three hold the right one.
  EXPECT_NEAR(summary.pass_at_k[1].estimate.value, (1.0 + 0.5 + 0) / 3, 1e-12);
  EXPECT_NEAR(summary.pass_at_k[2].estimate.value, 2.0 / 3, 1e-12);
  EXPECT_LE(summary.interval.low, summary.mean.value);
  EXPECT_GE(summary.interval.high, summary.mean.value);
}

TEST(Scores, TheMajorityVotes) {
  const Summary summary = summarize(three_questions());
  ASSERT_TRUE(summary.majority.has_value());
  EXPECT_EQ(summary.majority->k, 4);
  EXPECT_NEAR(summary.majority->estimate.value, 1.0 / 3, 1e-12) << "who has no answer is wrong, and counts";
  EXPECT_EQ(summary.majority->estimate.count, 3);
}

TEST(Scores, WhatWentWrongIsCounted) {
  const Counters counters = summarize(three_questions()).counters;
  EXPECT_EQ(counters.questions, 3);
  EXPECT_EQ(counters.samples, 12);
  EXPECT_EQ(counters.unparsed, 2);
  EXPECT_EQ(counters.timed_out, 1);
  EXPECT_EQ(counters.failed, 1);
  EXPECT_EQ(counters.truncated, 4);
  EXPECT_EQ(counters.empty, 1);
}

TEST(Scores, AnInterruptedRunHasFewerSamplesOfSome) {
  std::vector<Sample> samples = three_questions();
  samples.pop_back();
  const Summary summary = summarize(samples);
  EXPECT_EQ(summary.fewest_samples, 3);
  EXPECT_EQ(summary.most_samples, 4);
  EXPECT_EQ(summary.pass_at_k.back().k, 3);
  EXPECT_EQ(summary.pass_at_k.back().estimate.count, 3);
}

TEST(Scores, OfNothing) {
  const Summary summary = summarize({});
  EXPECT_EQ(summary.mean.count, 0);
  EXPECT_TRUE(summary.pass_at_k.empty());
  EXPECT_FALSE(summary.majority.has_value());
}

Task small_task(const std::string& grade) {
  return parse_task("name = 't'\ntitle = 'T'\ndescription = 'd'\n[data]\nfile = 'a.jsonl'\nfields = ['q']\n" + grade,
                    "t/task.toml")
      .value();
}

TEST(Results, HaveTheLayoutOfTheHarness) {
  const Task task = small_task("[prompt]\nuser = '{{ q }}'\n[grade]\nkind = 'maths'\ntarget = '{{ q }}'");
  const std::vector<Sample> samples = three_questions();
  const Json config = {{"task", "t"}, {"model", "m"}};
  const OrderedJson results = results_json(
      task,
      {.model = "m", .shots = 2, .rows = 9, .started_at = "2025-01-31T12:00:00Z", .config_hash = "abc", .seconds = 1.5},
      config, summarize(samples));
  EXPECT_NEAR(results["results"]["t"]["pass@1,none"].get<double>(), 1.0 / 3, 1e-12);
  EXPECT_GT(results["results"]["t"]["pass@1_stderr,none"].get<double>(), 0);
  EXPECT_TRUE(results["results"]["t"].contains("maj@4,none"));
  EXPECT_EQ(results["n-shot"]["t"], 2);
  EXPECT_EQ(results["n-samples"]["t"]["original"], 9);
  EXPECT_EQ(results["n-samples"]["t"]["effective"], 3);
  EXPECT_EQ(results["higher_is_better"]["t"]["pass@1"], true);
  EXPECT_EQ(results["configs"]["t"]["task"], "t");
  EXPECT_FALSE(results["configs"]["t"].contains("model"));
  EXPECT_EQ(results["versions"]["t"], 1);
  EXPECT_EQ(results["config"]["model"], "m");
  EXPECT_EQ(results["retort"]["counters"]["truncated"], 4);
  EXPECT_EQ(results["retort"]["config_sha256"], "abc");

  const testing::TempDir folder;
  ASSERT_TRUE(write_results(folder.path(), task, results, samples).has_value());
  const auto lines = testing::read_lines(folder.path() / "samples_t.jsonl");
  ASSERT_EQ(lines.size(), samples.size());
  const Json first = parse_json(lines[0], "line").value();
  EXPECT_EQ(first["doc_id"], 0);
  EXPECT_EQ(first["resps"][0][0], "so it is 1");
  EXPECT_EQ(first["filtered_resps"][0], "1");
  EXPECT_TRUE(parse_json(lines[11], "line").value()["filtered_resps"][0].is_null());
  EXPECT_EQ(parse_json(testing::read_text(folder.path() / "results.json"), "file").value()["model_name"], "m");
}

TEST(Results, PerplexityIsBetterWhenLower) {
  Task task = small_task("[grade]\nkind = 'perplexity'");
  Sample sample{.question_id = "0", .metrics = {{"loglikelihood", -8}, {"words", 4}, {"bytes", 16}}};
  const OrderedJson results = results_json(task, {}, Json::object(), summarize(std::span(&sample, 1)));
  EXPECT_NEAR(results["results"]["t"]["word_perplexity,none"].get<double>(), std::exp(2.0), 1e-9);
  EXPECT_EQ(results["higher_is_better"]["t"]["bits_per_byte"], false);
  EXPECT_EQ(results["results"]["t"]["word_perplexity_stderr,none"], "N/A");
}

}  // namespace
}  // namespace retort::eval
