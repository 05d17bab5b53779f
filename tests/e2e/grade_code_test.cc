// retort grade code, as a person runs it.
#include <gtest/gtest.h>

#include "core/json.h"
#include "grade/code/sandbox.h"
#include "testing/run_program.h"
#include "testing/temp_dir.h"

namespace retort::testing {
namespace {

class GradeCode : public ::testing::Test {
 protected:
  ProgramResult run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"grade", "code"});
    return run_program(RETORT_BINARY, arguments);
  }
  TempDir directory_;
  std::string source_ = directory_.write("a.py", "a, b = map(int, input().split())\nprint(a + b)\n");
  std::string tests_ = directory_.write("tests.json", R"({"type": "stdio", "cases": [
      {"input": "1 2", "output": "3"}, {"input": "5 5", "output": "11"}]})");
};

TEST_F(GradeCode, JudgesAProgram) {
  if (const auto there = grade::check_sandbox(); !there) GTEST_SKIP() << "no sandbox here: " << there.error().message();
  const ProgramResult result = run({"--source", source_, "--tests", tests_});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = parse_json(result.out, "output").value();
  EXPECT_EQ(json["verdict"], "wrong answer");
  EXPECT_EQ(json["passed"], 1);
  EXPECT_EQ(json["total"], 2);
  EXPECT_EQ(json["tests"][0]["verdict"], "accepted");
  EXPECT_EQ(json["message"], "line 1: expected '11' but found '10'");
}

TEST_F(GradeCode, JudgesLinesInTheirOrder) {
  if (const auto there = grade::check_sandbox(); !there) GTEST_SKIP() << "no sandbox here: " << there.error().message();
  const std::string tests = R"("tests": {"type": "stdio", "cases": [{"input": "abc", "output": "cba"}]})";
  const std::string first = R"j({"id": 7, "response": "<think>?</think>\n```python\nprint(input()[::-1])\n```", )j";
  const std::string second = R"j({"id": "b", "source": "print(1)", )j";
  const std::string third =
      R"j({"id": "c", "language": "cpp", "source": "int main() { for (;;); }", "time_limit": 0.2, )j";
  const std::string lines = first + tests + "}\n\nnonsense\n" + second + tests + "}\n" + third + tests + "}\n";
  const ProgramResult result = run({"--input", directory_.write("in.jsonl", lines), "--jobs", "2"});
  EXPECT_EQ(result.exit_code, 1) << "one line is none";
  EXPECT_NE(result.err.find("1 not judged: line 3"), std::string::npos) << result.err;
  std::vector<Json> out;
  for (std::size_t at = 0, end = 0; (end = result.out.find('\n', at)) != std::string::npos; at = end + 1) {
    out.push_back(parse_json(result.out.substr(at, end - at), "output").value());
  }
  ASSERT_EQ(out.size(), 4U) << result.out;
  EXPECT_EQ(out[0]["id"], 7);
  EXPECT_EQ(out[0]["verdict"], "accepted");
  EXPECT_TRUE(out[1].contains("error"));
  EXPECT_EQ(out[2]["verdict"], "wrong answer");
  EXPECT_EQ(out[3]["verdict"], "time limit");
}

TEST_F(GradeCode, RunsNothingWithoutASandbox) {
  const ProgramResult result = run({"--source", source_, "--tests", tests_, "--bwrap", "/nonexistent/bwrap"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(parse_json(result.out, "output").value()["verdict"], "sandbox refused");
  EXPECT_NE(result.err.find("install bubblewrap"), std::string::npos) << result.err;
}

TEST_F(GradeCode, WrongUsageIsTold) {
  EXPECT_EQ(run({}).exit_code, 2);
  EXPECT_EQ(run({"--source", source_}).exit_code, 2) << "no tests";
  EXPECT_EQ(run({"--source", source_, "--tests", tests_, "--input", "-"}).exit_code, 2);
  EXPECT_EQ(run({"--source", source_, "--tests", tests_, "--language", "cobol"}).exit_code, 2);
  EXPECT_EQ(run({"--source", source_, "--tests", tests_, "--time-limit", "-1"}).exit_code, 2);
  EXPECT_EQ(run({"--source", source_, "--tests", tests_, "--memory-limit", "999999999999"}).exit_code, 2);
  EXPECT_EQ(run_program(RETORT_BINARY, {"grade"}).exit_code, 2);
}

}  // namespace
}  // namespace retort::testing
