// Whole benchmarks: their own solutions pass, and solutions that are none do not. And what a test costs.
#include <algorithm>
#include <chrono>
#include <iostream>
#include <set>
#include <thread>
#include <zlib.h>

#include "code_testing.h"
#include "grade/code/cpp_compile.h"
#include "grade/code/extract_code.h"
#include "testing/shared_data.h"

namespace retort::grade {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// The lines of a .jsonl or .jsonl.gz.
std::vector<Json> json_lines(const std::filesystem::path& path) {
  std::string text;
  const gzFile file = gzopen(path.c_str(), "rb");
  char buffer[65536];
  for (int n = 0; file != nullptr && (n = gzread(file, buffer, sizeof(buffer))) > 0;) {
    text.append(buffer, static_cast<std::size_t>(n));
  }
  if (file != nullptr) gzclose(file);
  std::vector<Json> lines;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    if (end > 0) lines.push_back(parse_json(rest.substr(0, end), path.string()).value());
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return lines;
}

int cores() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

// Grades all, and says which are not as `wanted`.
void expect_all(const std::vector<GradeRequest>& requests, const std::vector<std::string>& names, bool accepted) {
  CodeGrader grader({.limits = {.cpu_ms = 10'000}, .warm = 2 * cores()});
  const auto start = Clock::now();
  const std::vector<Expected<GradeResult>> results = grade_all(grader, requests, cores());
  std::cout << requests.size() << " programs in " << seconds_since(start) << " s\n";
  for (std::size_t i = 0; i < results.size(); ++i) {
    ASSERT_TRUE(results[i]) << names[i] << ": " << results[i].error().message();
    EXPECT_EQ(results[i]->verdict == Verdict::kAccepted, accepted)
        << names[i] << ": " << to_string(results[i]->verdict) << ": " << results[i]->message;
  }
}

class CodeData : public ::testing::Test {
 protected:
  void SetUp() override { RETORT_SANDBOX_OR_SKIP(); }
};

std::vector<GradeRequest> humaneval(const std::vector<Json>& tasks, CodeLanguage language, const char* prompt_field,
                                    std::string_view body, std::vector<std::string>& names) {
  std::vector<GradeRequest> requests;
  for (const Json& task : tasks) {
    Json tests = {{"type", "humaneval"}, {"prompt", task[prompt_field]}, {"test", task["test"]}};
    if (task.contains("entry_point")) tests["entry_point"] = task["entry_point"];
    GradeRequest request = {.language = language, .tests = read_code_tests(tests, language, "task").value()};
    const std::string code = body.empty() ? task["canonical_solution"].get<std::string>() : std::string(body);
    request.source = completed_program(request.tests.prompt, code, request.tests.entry_point, language);
    requests.push_back(std::move(request));
    names.push_back(task["task_id"].get<std::string>());
  }
  return requests;
}

TEST_F(CodeData, HumanEvalAcceptsItsSolutions) {
  RETORT_SHARED_OR_SKIP(path, "data/code/HumanEval.jsonl.gz");
  std::vector<std::string> names;
  const auto requests = humaneval(json_lines(path), CodeLanguage::kPython, "prompt", "", names);
  ASSERT_EQ(requests.size(), 164U);
  expect_all(requests, names, true);
}

TEST_F(CodeData, HumanEvalAcceptsNothingElse) {
  RETORT_SHARED_OR_SKIP(path, "data/code/HumanEval.jsonl.gz");
  std::vector<std::string> names;
  expect_all(humaneval(json_lines(path), CodeLanguage::kPython, "prompt", "    return None\n", names), names, false);
  names.clear();
  expect_all(humaneval(json_lines(path), CodeLanguage::kPython, "prompt", "    import os\n    os._exit(0)\n", names),
             names, false);
}

// The data changed these solutions and not the statements: a plain interpreter refuses them as well.
bool contradicts_itself(const std::string& task) {
  static const std::set<std::string> tasks = {"Mbpp/83",  "Mbpp/115", "Mbpp/117", "Mbpp/143", "Mbpp/229",
                                              "Mbpp/249", "Mbpp/396", "Mbpp/407", "Mbpp/408", "Mbpp/431",
                                              "Mbpp/438", "Mbpp/442", "Mbpp/461", "Mbpp/574", "Mbpp/582",
                                              "Mbpp/595", "Mbpp/640", "Mbpp/746", "Mbpp/783"};
  return tasks.count(task) != 0;
}

TEST_F(CodeData, MbppAcceptsItsSolutions) {
  RETORT_SHARED_OR_SKIP(path, "data/code/MbppBase.jsonl");
  std::vector<GradeRequest> requests;
  std::vector<std::string> names;
  for (const Json& task : json_lines(path)) {
    if (contradicts_itself(task["task_id"].get<std::string>())) continue;
    const Json tests = {{"type", "mbpp"},
                        {"test_list", task["test_list"]},
                        {"test_imports", task["test_imports"]},
                        {"entry_point", task["entry_point"]}};
    requests.push_back({.source = task["canonical_solution"].get<std::string>(),
                        .tests = read_code_tests(tests, CodeLanguage::kPython, "task").value()});
    names.push_back(task["task_id"].get<std::string>());
  }
  ASSERT_GT(requests.size(), 300U);
  expect_all(requests, names, true);
}

// Every eighth: a compiler takes a second and more for each.
TEST_F(CodeData, HumanEvalOfCppAcceptsItsSolutions) {
  RETORT_SHARED_OR_SKIP(path, "data/code/humaneval_cpp.jsonl.gz");
  std::vector<Json> tasks;
  const std::vector<Json> all = json_lines(path);
  for (std::size_t i = 0; i < all.size(); i += 8) tasks.push_back(all[i]);
  std::vector<std::string> names;
  expect_all(humaneval(tasks, CodeLanguage::kCpp, "declaration", "", names), names, true);
}

// Medians. Not compared with a limit: machines are busy. What they were is in docs/grading-code.md.
TEST_F(CodeData, TellsWhatATestCosts) {
  const auto median = [](std::vector<double> values) {
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
    return values[values.size() / 2];
  };
  const GradeRequest trivial = {.source = "print(1)", .tests = {.cases = {{"", "1"}}}};
  for (const int warm : {2, 0}) {
    CodeGrader grader({.warm = warm});
    std::vector<double> ms;
    for (int i = 0; i < 15; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(warm > 0 ? 200 : 0));
      const auto start = Clock::now();
      ASSERT_EQ(grader.grade(trivial).value().verdict, Verdict::kAccepted);
      ms.push_back(1000 * seconds_since(start));
    }
    std::cout << "Python, " << warm << " warm: " << median(ms) << " ms\n";
    EXPECT_LT(median(ms), 5000);
  }
  const Expected<CppProgram> program =
      compile_cpp({.source = "#include <cstdio>\nint main() { puts(\"1\"); }"}, kCompileLimits, {});
  ASSERT_TRUE(program && program->compiled);
  std::vector<double> ms;
  for (int i = 0; i < 15; ++i) {
    const auto start = Clock::now();
    const Expected<SandboxResult> run =
        run_sandboxed({.argv = {"/box/a"}, .files = {{"/box/a", program->binary, SandboxFile::Mode::kExecute}}});
    ASSERT_TRUE(run && run->out == "1\n");
    ms.push_back(1000 * seconds_since(start));
  }
  std::cout << "C++, compiled in " << program->wall_ms << " ms: " << median(ms) << " ms\n";
  EXPECT_LT(median(ms), 5000);
}

}  // namespace
}  // namespace retort::grade
