// retort eval --endpoint: a server that speaks OpenAI's language, and one that misbehaves.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "core/json.h"
#include "eval/store.h"
#include "testing/hub_server.h"
#include "testing/run_program.h"
#include "testing/scoped_env.h"
#include "testing/temp_dir.h"

namespace retort::testing {
namespace {

constexpr const char* kSumsTask = R"(name = "sums"
title = "Sums"
description = "Sums of two numbers"

[data]
file = "sums.jsonl"
fields = ["a", "sum"]

[prompt]
user = "What is {{ a }} + 4?"

[grade]
kind = "maths"
target = "{{ sum }}"

[sampling]
samples = 1
)";

class EvalEndpoint : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_.path() / "tasks" / "sums");
    std::ofstream(folder_.path() / "tasks" / "sums" / "task.toml") << kSumsTask;
    std::ofstream(folder_.path() / "tasks" / "sums" / "README.md") << "# Sums\n";
    std::ofstream rows(folder_.path() / "sums.jsonl");
    for (int i = 0; i < 6; ++i) rows << R"({"a": )" << i << R"(, "sum": )" << i + 4 << "}\n";
  }
  ProgramResult run(std::vector<std::string> more = {}) {
    std::vector<std::string> all = {"eval",        "sums",         "--endpoint", server_.endpoint() + "/v1",
                                    "--model",     "some/model",   "--tasks",    folder_.path() / "tasks",
                                    "--data-root", folder_.path(), "--output",   folder_.path() / "out"};
    all.insert(all.end(), more.begin(), more.end());
    return run_program(RETORT_BINARY, all);
  }
  [[nodiscard]] std::vector<eval::Sample> samples() const {
    auto store = eval::SampleStore::open_to_read(folder_.path() / "out" / "sums");
    if (!store) return {};
    auto all = store->samples();
    return all ? *all : std::vector<eval::Sample>();
  }
  static void answer(HubHttpResponse& response, const std::string& content) {
    response.status = 200;
    const Json body = {{"choices",
                        {{{"message", {{"role", "assistant"}, {"content", content}, {"reasoning_content", "hm"}}},
                          {"finish_reason", "stop"}}}},
                       {"usage", {{"prompt_tokens", 11}, {"completion_tokens", 5}}}};
    response.body = json_text(body);
  }

  TempDir folder_;
  HubServer server_;
};

TEST_F(EvalEndpoint, AsksGradesAndKeepsWhatItWasTold) {
  const ScopedEnv key({{"THE_KEY", "secret"}});
  server_.hook("/v1/chat/completions", 100,
               [](const HubHttpRequest&, HubHttpResponse& response) { answer(response, "\\boxed{7}"); });
  const ProgramResult result = run({"--api-key-env", "THE_KEY"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const std::vector<eval::Sample> all = samples();
  ASSERT_EQ(all.size(), 6u);
  for (const eval::Sample& sample : all) {
    EXPECT_EQ(sample.output, "<think>\nhm</think>\n\n\\boxed{7}");
    EXPECT_EQ(sample.score, sample.row == 3 ? 1 : 0);
    EXPECT_EQ(sample.output_tokens, 5);
    EXPECT_EQ(sample.finish_reason, "stop");
  }
  const auto requests = server_.requests("/v1/chat/completions");
  ASSERT_EQ(requests.size(), 6u);
  EXPECT_EQ(requests[0].method, "POST");
  EXPECT_EQ(requests[0].header("authorization"), "Bearer secret");
  EXPECT_EQ(result.err.find("secret"), std::string::npos);
}

TEST_F(EvalEndpoint, TriesAgainWhereItMayHelpAndOnlyThere) {
  std::atomic<int> seen{0};
  server_.hook("/v1/chat/completions", 100, [&](const HubHttpRequest&, HubHttpResponse& response) {
    if (seen++ == 0) {
      response.status = 503;
      response.body = "busy";
    } else {
      answer(response, "\\boxed{7}");
    }
  });
  const ProgramResult result = run({"--concurrency", "1"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.err.find("503"), std::string::npos) << result.err;
  EXPECT_EQ(samples().size(), 6u);
  EXPECT_EQ(seen, 7);
}

TEST_F(EvalEndpoint, ARefusalIsAFailedSampleWithItsReason) {
  server_.hook("/v1/chat/completions", 100, [](const HubHttpRequest&, HubHttpResponse& response) {
    response.status = 400;
    response.body = R"({"error": "no such model"})";
  });
  const ProgramResult result = run();
  EXPECT_EQ(result.exit_code, 1) << "nothing was measured";
  EXPECT_NE(result.err.find("all 6 samples failed, the first with: "), std::string::npos) << result.err;
  const std::vector<eval::Sample> all = samples();
  ASSERT_EQ(all.size(), 6u);
  for (const eval::Sample& sample : all) {
    EXPECT_EQ(sample.outcome, eval::Outcome::kFailed);
    EXPECT_NE(sample.reason.find("no such model"), std::string::npos) << sample.reason;
  }
  EXPECT_NE(result.out.find("failed 6"), std::string::npos) << result.out;
}

TEST_F(EvalEndpoint, NonsenseIsAFailedSampleToo) {
  server_.hook("/v1/chat/completions", 100, [](const HubHttpRequest&, HubHttpResponse& response) {
    response.status = 200;
    response.body = "<html>";
  });
  ASSERT_EQ(run().exit_code, 1);
  for (const eval::Sample& sample : samples()) EXPECT_EQ(sample.outcome, eval::Outcome::kFailed);
}

/// An endpoint that was away for a minute must not leave wrong answers for ever.
TEST_F(EvalEndpoint, WhatFailedIsAskedAgainWhenTheRunGoesOn) {
  std::atomic<int> seen{0};
  server_.hook("/v1/chat/completions", 100, [&](const HubHttpRequest&, HubHttpResponse& response) {
    if (seen++ % 2 == 0 && seen < 7) {
      response.status = 400;
      response.body = "away";
    } else {
      answer(response, "\\boxed{7}");
    }
  });
  const ProgramResult first = run({"--concurrency", "1"});
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_NE(first.out.find("the first failure, question 0: "), std::string::npos) << first.out;
  const ProgramResult second = run({"--concurrency", "1"});
  ASSERT_EQ(second.exit_code, 0) << second.err;
  EXPECT_EQ(seen, 9) << "the three that failed, and no others";
  ASSERT_EQ(samples().size(), 6u);
  for (const eval::Sample& sample : samples()) EXPECT_EQ(sample.outcome, eval::Outcome::kGraded);
  EXPECT_EQ(second.out.find("failure"), std::string::npos) << second.out;
}

TEST_F(EvalEndpoint, WrongUseIsTold) {
  EXPECT_EQ(run_program(RETORT_BINARY, {"eval", "sums", "--endpoint", "ftp://x/v1", "--model", "m", "--tasks",
                                        folder_.path() / "tasks", "--data-root", folder_.path()})
                .exit_code,
            2);
  EXPECT_EQ(run({"--api-key-env", "RETORT_NO_SUCH_VARIABLE"}).exit_code, 2);
}

}  // namespace
}  // namespace retort::testing
