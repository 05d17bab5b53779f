// retort eval TASK, as a person runs it: a small model, a task of its own, and a run that is killed again and again.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/json.h"
#include "eval/store.h"
#include "testing/child_process.h"
#include "testing/run_program.h"
#include "testing/temp_dir.h"
#include "testing/tiny_checkpoint.h"

namespace retort::testing {
namespace {

constexpr const char* kTask = R"(name = "sums"
title = "Sums"
description = "Sums of two numbers"

[data]
file = "sums.jsonl"
fields = ["a", "b", "sum"]

[prompt]
user = "What is {{ a }} + {{ b }}?"

[grade]
kind = "maths"
target = "{{ sum }}"

[sampling]
temperature = 1.0
top_p = 1.0
max_tokens = 24
samples = 1
)";

constexpr int kQuestions = 40;

class EvalRun : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(
        write_reciting_model(model_, {.pieces = in_order({"so it is", "\\boxed{12}"}), .opening = "<think>\n"}));
    std::filesystem::create_directories(folder_.path() / "tasks" / "sums");
    std::ofstream(folder_.path() / "tasks" / "sums" / "task.toml") << kTask;
    std::ofstream(folder_.path() / "tasks" / "sums" / "README.md") << "# Sums\n";
    std::ofstream rows(folder_.path() / "sums.jsonl");
    for (int i = 0; i < kQuestions; ++i) {
      rows << R"({"a": )" << i << R"(, "b": 4, "sum": )" << i + 4 << "}\n";
    }
  }
  [[nodiscard]] std::vector<std::string> command(const std::string& output, std::vector<std::string> more = {}) const {
    std::vector<std::string> all = {"eval",
                                    "sums",
                                    "--model",
                                    model_,
                                    "--tasks",
                                    folder_.path() / "tasks",
                                    "--data-root",
                                    folder_.path(),
                                    "--output",
                                    folder_.path() / output,
                                    "--log-level",
                                    "warn",
                                    "--kv-cache-memory",
                                    "64M"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  [[nodiscard]] std::vector<eval::Sample> samples(const std::string& output) const {
    auto store = eval::SampleStore::open_to_read(folder_.path() / output / "sums");
    if (!store) return {};
    auto all = store->samples();
    return all ? *all : std::vector<eval::Sample>();
  }

  TempDir folder_;
  std::string model_ = folder_.path() / "model";
};

TEST_F(EvalRun, MeasuresAndLeavesResults) {
  const ProgramResult result = run_program(RETORT_BINARY, command("out", {"--temperature", "0", "--think", "keep"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("pass@1"), std::string::npos) << result.out;
  const std::vector<eval::Sample> all = samples("out");
  ASSERT_EQ(all.size(), static_cast<std::size_t>(kQuestions));
  for (const eval::Sample& sample : all) {
    EXPECT_EQ(sample.answer, "12") << sample.output;
    EXPECT_EQ(sample.score, sample.row == 8 ? 1 : 0) << "8 + 4 alone is 12";
  }
  EXPECT_GT(std::filesystem::file_size(folder_.path() / "out" / "sums" / "report.html"), 10'000U);
  std::ifstream file(folder_.path() / "out" / "sums" / "results.json");
  const Json results = Json::parse(file);
  EXPECT_TRUE(results.contains("results"));
  // Run again, there is nothing left to do and nothing changes.
  const ProgramResult again = run_program(RETORT_BINARY, command("out", {"--temperature", "0", "--think", "keep"}));
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(samples("out").size(), all.size());
}

TEST_F(EvalRun, AnOpenThoughtIsNoAnswer) {
  const ProgramResult result = run_program(RETORT_BINARY, command("out", {"--temperature", "0", "--limit", "3"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const eval::Sample& sample : samples("out")) {
    EXPECT_EQ(sample.outcome, eval::Outcome::kUnparsed);
    EXPECT_EQ(sample.score, 0);
  }
}

constexpr const char* kChoicesTask = R"(name = "letters"
title = "Letters"
description = "Which letter"

[data]
file = "letters.jsonl"
fields = ["choices", "answer"]

[choices]
list = "choices"
answer = "answer"
continuation = "{{ text }}"

[prompt]
style = "text"
user = "so it is"

[grade]
kind = "loglikelihood-choices"
)";

TEST_F(EvalRun, LettersAreScoredByOneRunAsByMany) {
  std::filesystem::create_directories(folder_.path() / "tasks" / "letters");
  std::ofstream(folder_.path() / "tasks" / "letters" / "README.md") << "# Letters\n";
  std::ofstream(folder_.path() / "tasks" / "letters" / "task.toml") << kChoicesTask;
  std::vector<std::string> outputs;
  for (const char* last : {"z", "zz"}) {
    std::ofstream(folder_.path() / "letters.jsonl")
        << fmt::format(R"({{"choices": ["\\boxed{{12}}", "x", "{}"], "answer": 0}})", last) << '\n';
    const std::string output = fmt::format("letters{}", outputs.size());
    std::vector<std::string> words = command(output);
    words[1] = "letters";
    const ProgramResult result = run_program(RETORT_BINARY, words);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    auto store = eval::SampleStore::open_to_read(folder_.path() / output / "letters").value();
    outputs.push_back(store.samples().value().at(0).output);
  }
  const auto likelihoods = [](const std::string& output) {
    std::vector<double> out;
    std::istringstream lines(output);
    for (std::string line; std::getline(lines, line);) out.push_back(std::stod(line.substr(3)));
    return out;
  };
  const std::vector<double> once = likelihoods(outputs[0]);
  const std::vector<double> each = likelihoods(outputs[1]);
  ASSERT_EQ(once.size(), 3U) << outputs[0];
  ASSERT_EQ(each.size(), 3U) << outputs[1];
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_LT(once[i], 0);
    EXPECT_NEAR(once[i], each[i], 0.02) << i;  // the last token is computed as an answer's, or as a prompt's
  }
  EXPECT_GT(once[0], once[1]) << outputs[0];
  EXPECT_LT(each[2], each[1]) << "two tokens";
}

TEST_F(EvalRun, ShowsTheFirstPromptsAndAsksNothing) {
  const ProgramResult result = run_program(RETORT_BINARY, command("out", {"--dry-run"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("What is 0 + 4?"), std::string::npos) << result.out;
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "out"));
}

TEST_F(EvalRun, AnotherConfigurationIsRefused) {
  ASSERT_EQ(run_program(RETORT_BINARY, command("out", {"--limit", "2"})).exit_code, 0);
  const ProgramResult result = run_program(RETORT_BINARY, command("out", {"--limit", "2", "--temperature", "0.5"}));
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find("temperature"), std::string::npos) << result.err;
}

TEST_F(EvalRun, BadUseIsToldBeforeTheModelIsLoaded) {
  EXPECT_EQ(run_program(RETORT_BINARY, {"eval"}).exit_code, 2);
  EXPECT_EQ(run_program(RETORT_BINARY, {"eval", "sums"}).exit_code, 2);
  const ProgramResult unknown = run_program(RETORT_BINARY, {"eval", "sums,nothing", "--model", model_, "--tasks",
                                                            folder_.path() / "tasks", "--data-root", folder_.path()});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_NE(unknown.err.find("nothing"), std::string::npos) << unknown.err;
}

TEST_F(EvalRun, WhatTheEngineWouldRefuseIsToldFirst) {
  for (const auto& [option, value] : std::vector<std::pair<std::string, std::string>>{{"--temperature", "-1"},
                                                                                      {"--temperature", "nan"},
                                                                                      {"--top-p", "0"},
                                                                                      {"--top-p", "7"},
                                                                                      {"--num-fewshot", "3"}}) {
    const ProgramResult result = run_program(RETORT_BINARY, command("out", {option, value}));
    EXPECT_EQ(result.exit_code, 2) << option << " " << value << ": " << result.out << result.err;
    EXPECT_FALSE(std::filesystem::exists(folder_.path() / "out")) << option << " " << value;
  }
}

/// Answers at a high temperature differ from sample to sample, so that a repeated or lost random number would show.
TEST_F(EvalRun, KilledTwentyTimesItEndsAsIfNothingHadHappened) {
  const std::vector<std::string> options = {"--temperature", "40", "--n",           "3",
                                            "--max-tokens",  "60", "--concurrency", "4"};
  ASSERT_EQ(run_program(RETORT_BINARY, command("whole", options)).exit_code, 0);
  const std::vector<eval::Sample> whole = samples("whole");
  ASSERT_EQ(whole.size(), 3u * kQuestions);

  std::mt19937 random(7);
  std::vector<std::string> argv = command("killed", options);
  argv.insert(argv.begin(), RETORT_BINARY);
  int killed = 0;
  std::size_t before = 0;
  for (int i = 0; i < 20; ++i) {
    ChildProcess child(argv);
    // Somewhere behind the next few answers: they come by fours, so some are under way whenever it is.
    const std::size_t until = before + 1 + random() % 6;
    while (child.running() && samples("killed").size() < until)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 8'000));
    child.signal(SIGKILL);
    killed += child.wait() == 128 + SIGKILL ? 1 : 0;
    const std::size_t now = samples("killed").size();
    EXPECT_GE(now, before) << "an answer that was kept is gone";
    before = now;
  }
  EXPECT_GE(killed, 10) << "the run must not be over before it is killed";
  const ProgramResult rest = run_program(RETORT_BINARY, command("killed", options));
  ASSERT_EQ(rest.exit_code, 0) << rest.err;
  const std::vector<eval::Sample> all = samples("killed");
  ASSERT_EQ(all.size(), whole.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].question_id, whole[i].question_id);
    EXPECT_EQ(all[i].index, whole[i].index);
    EXPECT_EQ(all[i].output, whole[i].output) << "row " << all[i].row << ", sample " << all[i].index;
    EXPECT_EQ(all[i].finish_reason, whole[i].finish_reason);
    EXPECT_EQ(all[i].score, whole[i].score);
  }
  std::size_t different = 0;
  for (std::size_t i = 1; i < whole.size(); ++i) different += whole[i].output == whole[i - 1].output ? 0 : 1;
  EXPECT_GT(different, whole.size() / 2) << "the test would see no difference";
}

}  // namespace
}  // namespace retort::testing
