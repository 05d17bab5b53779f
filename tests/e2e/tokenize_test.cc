// retort tokenize and detokenize, and what becomes of output that nobody takes.
#include <gtest/gtest.h>

#include "core/json.h"
#include "testing/run_program.h"
#include "testing/temp_dir.h"
#include "testing/tiny_checkpoint.h"

namespace retort::testing {
namespace {

class Tokenize : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(write_reciting_model(directory_.path(), {.pieces = in_order({"A1"})})); }
  ProgramResult run(std::string command, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {std::move(command), "--model", directory_.path()});
    return run_program(RETORT_BINARY, arguments);
  }
  TempDir directory_;
};

TEST_F(Tokenize, AddedTokensAreReadUnlessToldOtherwise) {
  const ProgramResult result = run("tokenize", {"--text", "é<|say|>", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json parsed = parse_json(result.out, "output").value();
  EXPECT_EQ(parsed["count"], 3) << result.out;
  EXPECT_EQ(parsed["pieces"][2], "<|say|>");
  const ProgramResult as_text = run("tokenize", {"--text", "é<|say|>", "--json", "--no-special"});
  EXPECT_EQ(parse_json(as_text.out, "output").value()["count"], 2 + 7) << as_text.out;
  // And back, from the same file.
  const std::string ids = directory_.write("ids.json", result.out);
  EXPECT_EQ(run("detokenize", {"--file", ids}).out, "é<|say|>");
  EXPECT_EQ(run("detokenize", {"--file", ids, "--skip-special"}).out, "é");
}

TEST_F(Tokenize, IdsThatAreNoneAreRefused) {
  const ProgramResult beyond = run("detokenize", {"--ids", "65,100000"});
  EXPECT_EQ(beyond.exit_code, 1);
  EXPECT_EQ(beyond.out, "");
  EXPECT_NE(beyond.err.find("100000"), std::string::npos) << beyond.err;
  EXPECT_EQ(run("detokenize", {"--ids", "65,x"}).exit_code, 2);
}

TEST_F(Tokenize, AFullDiskIsAFailure) {
  const ProgramResult result = run_program(
      "/bin/sh", {"-c", R"(exec "$0" tokenize --model "$1" --text x >/dev/full)", RETORT_BINARY, directory_.path()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find("cannot write standard output"), std::string::npos) << result.err;
  EXPECT_EQ(run_program("/bin/sh", {"-c", R"(exec "$0" --version >/dev/full)", RETORT_BINARY}).exit_code, 1);
  EXPECT_EQ(run_program("/bin/sh", {"-c", R"(exec "$0" run --help >/dev/full)", RETORT_BINARY}).exit_code, 1);
}

}  // namespace
}  // namespace retort::testing
