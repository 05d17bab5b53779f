// retort eval list, describe and compare.
#include <gtest/gtest.h>

#include "core/json.h"
#include "eval/store.h"
#include "testing/run_program.h"
#include "testing/temp_dir.h"

namespace retort::testing {
namespace {

TEST(EvalCommand, ListsTheTasks) {
  const ProgramResult text = run_program(RETORT_BINARY, {"eval", "list"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_NE(text.out.find("\ngpqa_diamond   GPQA Diamond: "), std::string::npos) << text.out;
  const ProgramResult result = run_program(RETORT_BINARY, {"eval", "list", "--json"});
  const Json json = parse_json(result.out, "output").value();
  EXPECT_GE(json["tasks"].size(), 15U);
  EXPECT_EQ(run_program(RETORT_BINARY, {"eval", "list", "--tasks", "/nowhere"}).exit_code, 1);
  EXPECT_EQ(run_program(RETORT_BINARY, {"eval"}).exit_code, 2);
}

TEST(EvalCommand, DescribesATask) {
  const ProgramResult result = run_program(RETORT_BINARY, {"eval", "describe", "math500"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  for (const char* part :
       {"MATH-500", "{{ problem }}", "temperature 0.6", "R1-Distill-Qwen-1.5B", "83.9", "README.md"}) {
    EXPECT_NE(result.out.find(part), std::string::npos) << part << " is not in: " << result.out;
  }
  const ProgramResult unknown = run_program(RETORT_BINARY, {"eval", "describe", "math5000"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_NE(unknown.err.find("math500"), std::string::npos) << unknown.err;
}

TEST(EvalCommand, ShowsAQuestion) {
  const TempDir folder;
  const std::string data = folder.write("d.jsonl", "{\"question\": \"1 + 1?\", \"answer\": \"two #### 2\"}\n");
  const ProgramResult result = run_program(RETORT_BINARY, {"eval", "describe", "gsm8k", "--prompt", "--data", data});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("\n1 + 1?\n"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("right answer: 2\n"), std::string::npos) << result.out;
  EXPECT_NE(result.err.find("is not the file that the task was made with"), std::string::npos) << result.err;
}

std::string write_run(const TempDir& folder, const std::string& name, double temperature, int right) {
  const std::string path = folder.path() / name;
  const Json config = {{"task", "t"}, {"temperature", temperature}};
  auto store = eval::SampleStore::open(path, config).value();
  for (int i = 0; i < 30; ++i) {
    const eval::Sample sample{.question_id = std::to_string(i), .row = i, .score = i < right ? 1.0 : 0.0};
    EXPECT_TRUE(store.add(sample).has_value());
  }
  return path;
}

TEST(EvalCommand, ComparesRuns) {
  const TempDir folder;
  const std::string a = write_run(folder, "a", 0.6, 5);
  const std::string b = write_run(folder, "b", 0.7, 20);
  const ProgramResult text = run_program(RETORT_BINARY, {"eval", "compare", a, b, "--flips", "2"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_NE(text.out.find("temperature: 0.6 in A, 0.7 in B"), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("... and 13 more"), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("B is better than A: B - A is +50.0 points on 30 questions"), std::string::npos) << text.out;
  const Json json = parse_json(run_program(RETORT_BINARY, {"eval", "compare", a, b, "--json"}).out, "output").value();
  EXPECT_EQ(json["better_in_b"].size(), 15U);
  EXPECT_LT(json["p_value"].get<double>(), 0.001);
  EXPECT_EQ(run_program(RETORT_BINARY, {"eval", "compare", a, folder.path() / "c"}).exit_code, 1);
}

TEST(EvalCommand, RunsOfDifferentTasksDoNotCompare) {
  const TempDir folder;
  const std::string a = write_run(folder, "a", 0.6, 5);
  auto store = eval::SampleStore::open(folder.path() / "b", Json{{"task", "u"}}).value();
  ASSERT_TRUE(store.add({.question_id = "0"}).has_value());
  const ProgramResult result = run_program(RETORT_BINARY, {"eval", "compare", a, folder.path() / "b"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find("different tasks, \"t\" and \"u\""), std::string::npos) << result.err;
}

}  // namespace
}  // namespace retort::testing
