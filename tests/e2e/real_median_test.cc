// The real 0.5B writes a function for the median of two sorted arrays, and the function is right.
#include <cstdio>
#include <gtest/gtest.h>
#include <regex>

#include "core/json.h"
#include "testing/run_program.h"
#include "testing/shared_data.h"
#include "testing/temp_dir.h"

namespace retort::testing {
namespace {

// Greedy, and a prompt that says how: the small model's free choice of a binary search is often wrong.
constexpr const char* kPrompt =
    "Write a Python function find_median(a, b) that returns the median of two sorted lists of numbers. Merge them with "
    "sorted(a + b), then return the middle element, or the mean of the two middle elements if the length is even. Give "
    "only the code.";

// Calls the function with the usual cases, whose medians the statistics module knows.
constexpr const char* kHarness = R"(
import statistics
for a, b in [([1, 3], [2]), ([1, 2], [3, 4]), ([], [1]), ([2], []), ([0, 0], [0, 0]), ([1, 2, 3, 4, 5], [6]),
             ([-5, 3, 6, 12, 15], [-12, -10, -6, -3, 4, 10]), ([1], [2, 3, 4, 5, 6, 7, 8]), ([100], [101]),
             ([1.5, 2.5], [2.0])]:
    got, want = find_median(a, b), statistics.median(a + b)
    assert got == want, (a, b, got, want)
print("all right")
)";

TEST(RealMedian, TheFunctionItWritesIsRight) {
  RETORT_REAL_OR_SKIP(model, "0.5b");
  if (std::system("python3 -c '' > /dev/null 2>&1") != 0) GTEST_SKIP() << "no python3 to run the function with";
  const ProgramResult result = run_program(RETORT_BINARY, {"run", "--model", model, "--prompt", kPrompt,
                                                           "--temperature", "0", "--max-tokens", "400", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto answer = parse_json(result.out, "output");
  ASSERT_TRUE(answer);
  const auto text = (*answer)["answer"].get<std::string>();
  std::smatch block;
  ASSERT_TRUE(std::regex_search(text, block, std::regex("```(?:python|py)?\\n([\\s\\S]*?)```"))) << text;
  const TempDir directory;
  const std::string script = directory.write("median.py", block[1].str() + kHarness);
  const ProgramResult ran = run_program("/usr/bin/env", {"python3", "-I", script});
  EXPECT_EQ(ran.exit_code, 0) << ran.err << "\n" << block[1].str();
  EXPECT_NE(ran.out.find("all right"), std::string::npos);
}

}  // namespace
}  // namespace retort::testing
