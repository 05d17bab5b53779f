// Ctrl-C in retort bench: what runs comes to its end, what was measured is told, the exit code is 1; a second one
// kills.
#include <chrono>
#include <csignal>
#include <gtest/gtest.h>
#include <thread>

#include "core/json.h"
#include "testing/child_process.h"
#include "testing/random_gguf.h"
#include "testing/temp_dir.h"

namespace retort::testing {
namespace {

constexpr int kAtOnce = 4;
// Waits after which the signal is sent. The first is enough unless the machine is busy; what a signal does that comes
// before the first step, or after the last, is another thing than what is tested.
constexpr std::chrono::milliseconds kWaits[] = {std::chrono::milliseconds(200), std::chrono::milliseconds(1000),
                                                std::chrono::milliseconds(5000), std::chrono::milliseconds(20000)};

class BenchInterrupt : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(write_random_gguf(folder_.path() / "random.gguf")); }

  /// Far more requests than anybody waits for, four of them at a time.
  [[nodiscard]] std::vector<std::string> throughput(int output_len) const {
    return {RETORT_BINARY,
            "bench",
            "throughput",
            "--model",
            folder_.path() / "random.gguf",
            "--num-prompts",
            "20000",
            "--max-num-seqs",
            std::to_string(kAtOnce),
            "--input-len",
            "16",
            "--output-len",
            std::to_string(output_len),
            "--json"};
  }
  /// Until it has said `text` on standard error, and then `more`.
  static void wait_for(ChildProcess& child, const std::string& text, std::chrono::milliseconds more) {
    while (child.running() && child.err().find(text) == std::string::npos) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    std::this_thread::sleep_for(more);
  }
  TempDir folder_;
};

TEST_F(BenchInterrupt, ThroughputFinishesWhatRunsAndTellsOfIt) {
  constexpr std::int64_t kOutput = 500;
  for (const auto wait : kWaits) {
    ChildProcess child(throughput(kOutput));
    wait_for(child, "KV cache", wait);
    child.signal(SIGINT);
    ASSERT_EQ(child.wait(), 1) << child.err();
    const auto json = parse_json(child.out(), "throughput");
    ASSERT_TRUE(json) << child.out();
    const auto finished = (*json)["num_requests"].get<std::int64_t>();
    EXPECT_NE(child.err().find("interrupted: these are " + std::to_string(finished) + " of 20000 requests"),
              std::string::npos)
        << child.err();
    if (finished == 0) continue;  // came before the first step
    EXPECT_LT(finished, 20000);
    EXPECT_GT((*json)["output_tokens_per_second"].get<double>(), 0);
    // Four begin in one step, which gives each its first token, and end in one: so many steps and no others, unless
    // some that ran were cut off.
    EXPECT_EQ(finished % kAtOnce, 0);
    EXPECT_EQ((*json)["steps"].get<std::int64_t>() * kAtOnce, finished * kOutput);
    return;
  }
  FAIL() << "it never got to its first step";
}

TEST_F(BenchInterrupt, ASecondOneEndsTheProgram) {
  int code = 0;
  for (const auto wait : kWaits) {
    ChildProcess child(throughput(4000));
    wait_for(child, "KV cache", wait);
    child.signal(SIGINT);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // or the two would be one
    child.signal(SIGINT);
    code = child.wait();
    if (code != 1) break;  // 1: it had not begun, and so had nothing to finish
  }
  EXPECT_EQ(code, 128 + SIGINT);
}

TEST_F(BenchInterrupt, WhatWasMeasuredBeforeIsTold) {
  // The second of the two tests takes minutes.
  for (const auto wait : kWaits) {
    ChildProcess child({RETORT_BINARY, "bench", "--model", folder_.path() / "random.gguf", "--n-prompt", "8", "--n-gen",
                        "4000", "--repetitions", "20", "--output", "json"});
    std::this_thread::sleep_for(wait);
    child.signal(SIGINT);
    EXPECT_NE(child.wait(), 0);
    if (child.out().empty()) continue;  // came before the first was done
    const auto rows = parse_json(child.out(), "bench");
    ASSERT_TRUE(rows) << child.out();
    ASSERT_EQ(rows->size(), 1u);
    EXPECT_EQ((*rows)[0]["n_prompt"], 8);
    return;
  }
  FAIL() << "nothing was told of the first test";
}

}  // namespace
}  // namespace retort::testing
