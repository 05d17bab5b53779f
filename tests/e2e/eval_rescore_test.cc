// retort eval rescore and audit, on a run that a small model made.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "core/json.h"
#include "eval/store.h"
#include "testing/child_process.h"
#include "testing/run_program.h"
#include "testing/temp_dir.h"
#include "testing/tiny_checkpoint.h"

namespace retort::testing {
namespace {

constexpr const char* kSharesTask = R"(name = "shares"
title = "Shares"
description = "Percent"

[data]
file = "shares.jsonl"
fields = ["q", "a"]

[prompt]
user = "{{ q }}"

[grade]
kind = "maths"
target = "{{ a }}"

[sampling]
temperature = 0.0
max_tokens = 24
)";

/// A model that says 12 to all: right by every profile where 12 is asked for, and by qwen's alone where 1200 is.
class EvalRescore : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(
        write_reciting_model(model_, {.pieces = in_order({"so it is", "\\boxed{12}"}), .opening = "<think>\n"}));
    const std::filesystem::path task = folder_.path() / "tasks" / "shares";
    std::filesystem::create_directories(task);
    std::ofstream(task / "task.toml") << kSharesTask;
    std::ofstream(task / "README.md") << "# Shares\n";
    std::ofstream(folder_.path() / "shares.jsonl") << R"({"q": "a", "a": "12"}
{"q": "b", "a": "1200"}
{"q": "c", "a": "7"}
)";
    const ProgramResult ran = evaluate("keep");
    ASSERT_EQ(ran.exit_code, 0) << ran.err;
  }
  [[nodiscard]] ProgramResult evaluate(const std::string& think) const {
    return run_program(RETORT_BINARY, {"eval", "shares", "--model", model_, "--tasks", folder_.path() / "tasks",
                                       "--data-root", folder_.path(), "--output", folder_.path() / "out", "--log-level",
                                       "warn", "--kv-cache-memory", "64M", "--think", think});
  }
  [[nodiscard]] ProgramResult rescore(const std::vector<std::string>& more) const {
    std::vector<std::string> all = {"eval",        "rescore",     run_, "--tasks", folder_.path() / "tasks",
                                    "--data-root", folder_.path()};
    all.insert(all.end(), more.begin(), more.end());
    return run_program(RETORT_BINARY, all);
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream file(std::filesystem::path(run_) / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  [[nodiscard]] double score() const {
    return parse_json(read("results.json"), "results.json").value()["results"]["shares"]["pass@1,none"].get<double>();
  }

  TempDir folder_;
  std::string model_ = folder_.path() / "model";
  std::string run_ = folder_.path() / "out" / "shares";
};

TEST_F(EvalRescore, AnotherProfileTurnsOneVerdictAndIsRecorded) {
  EXPECT_NEAR(score(), 1.0 / 3, 1e-9);
  const Json first = parse_json(read("results.json"), "results.json").value();
  const ProgramResult result = rescore({"--profile", "qwen"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("1 of 3 verdicts changed"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("1 sample 0: different (graded, score 0) -> equal_symbolic (graded, score 1)"),
            std::string::npos)
      << result.out;
  EXPECT_NEAR(score(), 2.0 / 3, 1e-9);
  const Json results = parse_json(read("results.json"), "results.json").value();
  EXPECT_EQ(results["config"]["grade_profile"], "qwen");
  EXPECT_EQ(results["retort"]["rescored"][0]["before"]["grade_profile"], "");
  EXPECT_EQ(results["retort"]["rescored"][0]["changed"], 1);
  EXPECT_NE(results["retort"]["config_sha256"], first["retort"]["config_sha256"]);
  for (const char* same : {"model_name", "date", "total_evaluation_time_seconds", "n-samples"}) {
    EXPECT_EQ(results[same], first[same]) << same;
  }
  EXPECT_NE(read("samples_shares.jsonl").find("equal_symbolic"), std::string::npos);
  // By the task's rules the run does not go on now, and rescored back it does.
  const ProgramResult other = evaluate("keep");
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_NE(other.err.find("grade_profile is \"qwen\" there"), std::string::npos) << other.err;
  ASSERT_EQ(rescore({"--profile", ""}).exit_code, 0);
  const ProgramResult again = evaluate("keep");
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(parse_json(read("results.json"), "results.json").value()["retort"]["rescored"].size(), 2U)
      << "going on with a run must not forget that it was rescored";
}

TEST_F(EvalRescore, ByTheSameRulesNothingChanges) {
  const std::string samples = read("samples_shares.jsonl");
  const ProgramResult result = rescore({});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("0 of 3 verdicts changed\n"), std::string::npos) << result.out;
  EXPECT_EQ(read("samples_shares.jsonl"), samples);
}

TEST_F(EvalRescore, WhatDoesNotBelongToTheRunIsRefused) {
  const std::string samples = read("samples_shares.jsonl");
  const ProgramResult profile = rescore({"--profile", "lenient"});
  EXPECT_EQ(profile.exit_code, 2);
  EXPECT_NE(profile.err.find("hendrycks"), std::string::npos) << profile.err;
  EXPECT_EQ(rescore({"--think", "perhaps"}).exit_code, 2);
  EXPECT_EQ(rescore({"--grade-jobs", "0"}).exit_code, 2);
  const std::string other = folder_.write("other.jsonl", "{\"q\": \"a\", \"a\": \"12\"}\n");
  const ProgramResult data = rescore({"--data", other});
  EXPECT_EQ(data.exit_code, 2);
  EXPECT_NE(data.err.find("is not the file that the run asked of"), std::string::npos) << data.err;
  const ProgramResult nothing = run_program(RETORT_BINARY, {"eval", "rescore", folder_.path() / "out"});
  EXPECT_EQ(nothing.exit_code, 1);
  EXPECT_NE(nothing.err.find("OUTPUT/TASK"), std::string::npos) << nothing.err;
  EXPECT_EQ(read("samples_shares.jsonl"), samples);
}

/// Half a rescoring would be a run graded by two rules.
TEST_F(EvalRescore, KilledItIsWhollyDoneOrNotAtAll) {
  for (int i = 0; i < 12; ++i) {
    ChildProcess child({RETORT_BINARY, "eval", "rescore", run_, "--tasks", folder_.path() / "tasks", "--data-root",
                        folder_.path(), "--profile", i % 2 == 0 ? "qwen" : "strict"});
    std::this_thread::sleep_for(std::chrono::milliseconds(7 * i));
    child.signal(SIGKILL);
    child.wait();
    const auto store = eval::SampleStore::open_to_read(run_).value();
    const auto samples = store.samples().value();
    ASSERT_EQ(samples.size(), 3U);
    EXPECT_EQ(samples[1].score, store.config()["grade_profile"] == "qwen" ? 1 : 0);
  }
}

TEST_F(EvalRescore, AuditShowsVerdictsAndWhereProfilesDisagree) {
  const ProgramResult text = run_program(RETORT_BINARY, {"eval", "audit", run_, "--count", "2"});
  ASSERT_EQ(text.exit_code, 0) << text.err;
  EXPECT_NE(text.out.find("2 of 3 verdicts drawn"), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("0 sample 0: right"), std::string::npos) << "one right and one wrong: " << text.out;
  EXPECT_NE(text.out.find("1 of 3 answers are right by one profile"), std::string::npos) << text.out;
  const ProgramResult result = run_program(RETORT_BINARY, {"eval", "audit", run_, "--json"});
  const Json json = parse_json(result.out, "output").value();
  ASSERT_EQ(json["drawn"].size(), 3U);
  EXPECT_EQ(json["drawn"][0]["answer"], "12");
  EXPECT_NE(json["drawn"][0]["output_tail"].get<std::string>().find("\\boxed{12}"), std::string::npos);
  ASSERT_EQ(json["disagreements"].size(), 1U);
  EXPECT_EQ(json["disagreements"][0]["question_id"], "1");
  EXPECT_EQ(json["disagreements"][0]["verdicts"]["qwen"]["equal"], true);
  EXPECT_EQ(json["disagreements"][0]["verdicts"]["strict"]["reason"], "different");
  EXPECT_EQ(run_program(RETORT_BINARY, {"eval", "audit", run_, "--count", "-1"}).exit_code, 2);
  EXPECT_EQ(run_program(RETORT_BINARY, {"eval", "audit", folder_.path()}).exit_code, 1);
}

}  // namespace
}  // namespace retort::testing
