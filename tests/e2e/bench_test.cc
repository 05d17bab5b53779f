// retort bench, throughput and latency, on a small quantized model made here.
#include <algorithm>
#include <gtest/gtest.h>

#include "core/json.h"
#include "testing/random_gguf.h"
#include "testing/run_program.h"
#include "testing/temp_dir.h"

namespace retort {
namespace {

using ::retort::testing::ProgramResult;
using ::retort::testing::run_program;
using ::retort::testing::TempDir;

class BenchCommand : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(testing::write_random_gguf(model())); }
  [[nodiscard]] std::string model() const { return (directory_.path() / "random.gguf").string(); }
  [[nodiscard]] ProgramResult bench(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "bench");
    arguments.insert(arguments.end(), {"--model", model()});
    return run_program(RETORT_BINARY, arguments);
  }
  TempDir directory_;
};

TEST_F(BenchCommand, JsonHasLlamaBenchsNames) {
  const ProgramResult result =
      bench({"-p", "16,32", "-n", "4", "-d", "0,8", "-r", "2", "--n-seqs", "1,3", "--output", "json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto rows = parse_json(result.out, "bench");
  ASSERT_TRUE(rows) << result.out;
  ASSERT_EQ(rows->size(), 2u * (2 + 2));
  for (const Json& row : *rows) {
    EXPECT_GT(row["avg_ts"].get<double>(), 0);
    EXPECT_GE(row["stddev_ts"].get<double>(), 0);
    EXPECT_EQ(row["samples_ns"].size(), 2u);
    EXPECT_EQ((row["n_prompt"] == 0), (row["n_gen"] == 4));
    EXPECT_EQ(row["type_k"], "bf16");
    EXPECT_EQ(row["gb_per_second"].get<double>() > 0, (row["n_gen"] == 4));
  }
}

TEST_F(BenchCommand, ARepeatedDepthReadsAsMuchAsAComputedOne) {
  double bytes[2] = {};
  for (int i = 0; i < 2; ++i) {
    const ProgramResult result = bench({"-p", "0", "-n", "4", "-d", "700", "-r", "1", "--depth-fill",
                                        i == 0 ? "compute" : "repeat", "--output", "json"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const auto rows = parse_json(result.out, "bench");
    ASSERT_TRUE(rows) << result.out;
    EXPECT_EQ((*rows)[0]["n_depth"], 700);
    EXPECT_EQ((*rows)[0]["depth_fill"], i == 0 ? "compute" : "repeat");
    EXPECT_GT((*rows)[0]["avg_ts"].get<double>(), 0);
    bytes[i] = (*rows)[0]["bytes_per_step"].get<double>();
  }
  EXPECT_EQ(bytes[0], bytes[1]);
}

TEST_F(BenchCommand, TableAndCsvAreOneLinePerTest) {
  const ProgramResult table = bench({"-p", "8", "-n", "2", "-r", "1", "--kv-cache-dtype", "fp8"});
  ASSERT_EQ(table.exit_code, 0) << table.err;
  EXPECT_NE(table.out.find("| pp8 "), std::string::npos) << table.out;
  EXPECT_NE(table.out.find("| tg2 "), std::string::npos) << table.out;
  EXPECT_NE(table.out.find("fp8_e4m3"), std::string::npos) << table.out;
  const ProgramResult csv = bench({"-p", "8", "-n", "0", "-r", "1", "--output", "csv"});
  ASSERT_EQ(csv.exit_code, 0) << csv.err;
  EXPECT_EQ(std::count(csv.out.begin(), csv.out.end(), '\n'), 2) << csv.out;
  EXPECT_NE(csv.out.find("n_prompt,n_gen,n_depth"), std::string::npos) << csv.out;
}

TEST_F(BenchCommand, WrongUseIsTold) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{"-p", "x"}, "--n-prompt must be whole numbers"},
      {{"-p", "0", "-n", "0"}, "nothing to measure"},
      {{"--kv-cache-dtype", "int3"}, "--kv-cache-dtype must be"},
      {{"--quality", "best"}, "--quality must be fast or exact"},
      {{"--depth-fill", "zeros"}, "--depth-fill must be compute or repeat"},
      {{"--output", "xml"}, "--output must be md, csv or json"}};
  for (const auto& [arguments, message] : cases) {
    const ProgramResult result = bench(arguments);
    EXPECT_EQ(result.exit_code, 2) << result.out;
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
  }
  EXPECT_EQ(bench({"-p", "5000", "-n", "0"}).exit_code, 1) << "more than the model was made for";
}

TEST_F(BenchCommand, ThroughputTakesWindows) {
  const auto throughput = [&](std::vector<std::string> window) {
    std::vector<std::string> arguments = {"throughput", "--num-prompts", "2", "--input-len",
                                          "200",        "--output-len",  "4", "--json"};
    arguments.insert(arguments.end(), window.begin(), window.end());
    return bench(arguments);
  };
  const ProgramResult dynamic = throughput({"--kv-window", "dynamic", "--kv-window-mass", "0.9"});
  EXPECT_EQ(dynamic.exit_code, 0) << dynamic.err;
  EXPECT_NE(dynamic.err.find("the prefix cache is off"), std::string::npos) << dynamic.err;
  EXPECT_EQ(throughput({"--kv-window", "sinks", "--kv-window-size", "64"}).exit_code, 0);
  EXPECT_EQ(throughput({"--kv-window", "sinks", "--kv-window-size", "64", "--kv-window-layers", "1,0-1"}).exit_code, 0);
  const std::pair<std::vector<std::string>, const char*> wrong[] = {
      {{"--kv-window", "some"}, "--kv-window must be config, full, sinks or dynamic"},
      {{"--kv-window", "sinks"}, "--kv-window-size"},
      {{"--kv-window", "dynamic", "--kv-window-mass", "1.5"}, "--kv-window-mass must be"},
      {{"--kv-window-mass", "0.9"}, "--kv-window-mass goes with --kv-window dynamic"},
      {{"--kv-window-layers", "0"}, "--kv-window-layers goes with --kv-window sinks or dynamic"},
      {{"--kv-window", "dynamic", "--kv-window-layers", "0-99"}, "--kv-window-layers names layer"},
      {{"--kv-window", "dynamic", "--kv-window-layers", "3-1"}, "--kv-window-layers must be numbers"},
      {{"--kv-window", "dynamic", "--kv-window-layers", "0,"}, "--kv-window-layers must be numbers"},
      {{"--kv-window", "dynamic", "--kv-window-layers", "1;2"}, "--kv-window-layers must be numbers"}};
  for (const auto& [window, message] : wrong) {
    const ProgramResult result = throughput(window);
    EXPECT_NE(result.exit_code, 0) << message;
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
  }
}

TEST_F(BenchCommand, ThroughputCountsEveryToken) {
  const ProgramResult result =
      bench({"throughput", "--num-prompts", "5", "--input-len", "20", "--output-len", "6", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = parse_json(result.out, "throughput");
  ASSERT_TRUE(json) << result.out;
  EXPECT_EQ((*json)["num_requests"], 5);
  EXPECT_NEAR((*json)["output_tokens_per_second"].get<double>() * (*json)["elapsed_time"].get<double>(), 30, 0.01);
  EXPECT_NEAR((*json)["tokens_per_second"].get<double>() * (*json)["elapsed_time"].get<double>(), 130, 0.01);
  EXPECT_NE(result.err.find("KV cache"), std::string::npos) << "the memory plan is logged: " << result.err;
}

TEST_F(BenchCommand, APoolTooSmallForAllPreemptsAndFinishes) {
  // Eight sequences of up to 200 positions need 32 blocks of both layers, 16 KiB each; there are 6.
  const ProgramResult result = bench({"throughput", "--num-prompts", "8", "--input-len", "100", "--output-len", "100",
                                      "--kv-cache-memory", "200K", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = parse_json(result.out, "throughput");
  ASSERT_TRUE(json) << result.out;
  EXPECT_EQ((*json)["num_requests"], 8);
  EXPECT_GT((*json)["num_preemptions"].get<int>(), 0);
}

TEST_F(BenchCommand, TooLittleMemoryIsToldBeforeAnythingRuns) {
  const ProgramResult result = bench(
      {"throughput", "--num-prompts", "1", "--input-len", "1000", "--output-len", "1000", "--kv-cache-memory", "100K"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find("lower --max-model-len"), std::string::npos) << result.err;
  EXPECT_EQ(bench({"throughput", "--kv-cache-memory", "lots"}).exit_code, 2);
}

TEST_F(BenchCommand, LatencyHasPercentiles) {
  const ProgramResult result =
      bench({"latency", "--batch-size", "2", "--input-len", "4", "--output-len", "3", "--num-iters", "3", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = parse_json(result.out, "latency");
  ASSERT_TRUE(json) << result.out;
  EXPECT_EQ((*json)["latencies"].size(), 3u);
  EXPECT_GE((*json)["percentiles"]["99"].get<double>(), (*json)["percentiles"]["10"].get<double>());
}

}  // namespace
}  // namespace retort
