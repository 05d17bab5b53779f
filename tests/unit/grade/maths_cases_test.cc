// The maths grader beside public graders' own test suites and verdicts on real outputs (data/grading of the shared
// data).
#include <cstdio>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <string>
#include <vector>

#include "core/json.h"
#include "grade/answer_part.h"
#include "grade/maths/choice.h"
#include "grade/maths/grade_maths.h"
#include "testing/shared_data.h"

namespace retort::grade {
namespace {

std::vector<Json> rows_of(const std::filesystem::path& path) {
  std::vector<Json> out;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) out.push_back(Json::parse(line));
  }
  return out;
}

/// Cases in which this grader and the suite differ, by row, and why.
using Differences = std::map<std::size_t, std::string>;

/// Shows every difference that is not listed, and every listed one that is none.
template <typename Agrees>
void expect_agreement(const std::vector<Json>& rows, const Differences& listed, const Agrees& agrees) {
  std::size_t differ = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::string found;
    const bool same = agrees(rows[i], found);
    differ += same ? 0 : 1;
    const auto known = listed.find(i);
    EXPECT_EQ(same, known == listed.end())
        << "row " << i << (same ? " agrees now" : " differs") << ": " << rows[i].dump() << "\n  found " << found;
  }
  std::printf("%zu of %zu agree\n", rows.size() - differ, rows.size());
}

bool from(const Json& row, std::string_view repository) {
  return row["source"].get<std::string>().find(repository) != std::string::npos;
}

MathsOptions options_for(const Json& row) {
  MathsOptions options;
  // Suites of graders that accept what is within 1e-4, or a hundred times as much.
  if (from(row, "hendrycks/math")) options.rules.profile = MathsProfile::kHendrycks;
  if (from(row, "SkyThought") || from(row, "ugmathbench")) options.rules.profile = MathsProfile::kQwen;
  const Json config = row.value("config", Json());
  if (!config.is_object()) return options;
  if (config.contains("precision")) {
    const double precision = config["precision"].get<double>();
    if (precision >= 1) options.rules.digits = static_cast<int>(precision);
    if (precision < 1) options.rules.relative_tolerance = precision;
  }
  if (!config.value("strict", true)) options.rules.symbols = SymbolNames::kRename;
  return options;
}

TEST(MathsCases, AgreeWithPublicSuites) {
  RETORT_SHARED_OR_SKIP(path, "data/grading/math_equiv_cases.jsonl");
  const std::string across_lines = "a formula over several lines is not found there; we find it, and 9 is 9";
  const Differences listed = {
      {16, across_lines},
      {156, across_lines},
      {286, "the suite knows from the question that the order of this tuple is free; the answers alone do not say so"},
  };
  expect_agreement(rows_of(path), listed, [](const Json& row, std::string& found) {
    const auto gold = row["gold"].get<std::string>();
    const auto pred = row["pred"].get<std::string>();
    const bool expected = row["expected"].get<bool>();
    if (row["kind"] == "choice_letter") {
      const auto g = extract_choice(gold, "ABCDE");
      const auto p = extract_choice(pred, "ABCDE");
      found = fmt::format("{} {}", g.value_or('?'), p.value_or('?'));
      return (g && g == p) == expected;
    }
    std::string_view answer = pred;
    if (row["kind"] == "think_strip") {
      const auto part = answer_part(pred, ThinkPolicy::kRequire);
      found = "no answer";
      if (!part) return !expected;
      answer = *part;
    }
    const MathsVerdict verdict = grade_maths({gold, answer}, options_for(row));
    found = fmt::format("{}: '{}' and '{}'", to_string(verdict.reason), verdict.extracted_gold, verdict.extracted_pred);
    return verdict.equal() == expected;
  });
}

TEST(MathsCases, AgreeOnRealOutputs) {
  RETORT_SHARED_OR_SKIP(path, "data/grading/math_equiv_real_outputs.jsonl");
  const Differences listed;
  expect_agreement(rows_of(path), listed, [](const Json& row, std::string& found) {
    const MathsVerdict verdict = grade_maths({row["gold"].get<std::string>(), row["pred"].get<std::string>()});
    found = fmt::format("{}: '{}' and '{}'", to_string(verdict.reason), verdict.extracted_gold, verdict.extracted_pred);
    return verdict.equal() == row["expected"].get<bool>();
  });
}

std::string as_text(const Json& expected) { return expected.is_string() ? expected.get<std::string>() : ""; }

bool extraction_agrees(const Json& row, std::string& found) {
  const auto text = row["text"].get<std::string>();
  const auto kind = row["kind"].get<std::string>();
  const Json& expected = row["expected"];
  const Json config = row.value("config", Json());
  if (kind == "strip_thinking") {
    found = std::string(answer_part(text, ThinkPolicy::kStrip).value_or("nothing"));
    return found == expected.get<std::string>();
  }
  if (kind == "gsm8k_last_number") {
    const auto number = last_number(text);
    found = number.value_or("nothing");
    return number.has_value() == expected.is_string() &&
           (!number || grade_maths({expected.get<std::string>(), *number}).equal());
  }
  const bool letter =
      kind.starts_with("choice") || kind == "get_multiple_choice_answer" || kind == "mv_string_extraction";
  if (letter) {
    const bool other = config.is_string() && config.get<std::string>().find("'U'") != std::string::npos;
    const auto choice = extract_choice(text, other ? "U" : "ABCD");
    found = choice ? std::string(1, *choice) : "nothing";
    if (!choice) return expected.is_null() || expected.empty() || expected == text;
    return expected.is_array() ? expected.size() == 2 && expected[1] == found : expected == found;
  }
  const bool boxed_only =
      kind == "matharena.extract_boxed_answer" || (config.is_object() && config.value("strict_parsing", false));
  std::optional<std::string> answer;
  if (kind == "matharena.extract_last_integer") {
    answer = last_number(text);
  } else {
    answer = extract_answer(text, boxed_only ? AnswerSearch::kBoxedOnly : AnswerSearch::kAnywhere);
  }
  found = answer.value_or("nothing");
  const std::string wanted = as_text(expected);
  if (wanted.empty()) return !answer;
  return answer && grade_maths({wanted, *answer}).equal();
}

TEST(MathsCases, AgreeOnExtraction) {
  RETORT_SHARED_OR_SKIP(path, "data/grading/answer_extraction_cases.jsonl");
  const Differences listed = {
      {41, "its last integer is unsigned by definition; ours of 'the result is -5' is -5"},
      {43,
       "it takes the last of two boxes joined by 'and' where it is told that one value is wanted; both are the answer"},
      {59, "a last box that is not closed is dropped there; here it reaches to the end, as a cut response's does"},
  };
  expect_agreement(rows_of(path), listed, extraction_agrees);
}

TEST(Math500, ExtractsEveryAnswerOfItsSolutions) {
  RETORT_SHARED_OR_SKIP(path, "data/maths/math500.jsonl");
  std::size_t same = 0;
  const std::vector<Json> rows = rows_of(path);
  for (const Json& row : rows) {
    const auto boxes = last_boxes(row["solution"].get<std::string>());
    const auto answer = row["answer"].get<std::string>();
    const bool equal = !boxes.empty() && boxes.back() == answer;
    same += equal ? 1 : 0;
    EXPECT_TRUE(equal) << answer << " | " << (boxes.empty() ? "none" : boxes.back());
  }
  EXPECT_EQ(same, 500u);
}

TEST(Math500, EveryAnswerEqualsItselfAndItsSolution) {
  RETORT_SHARED_OR_SKIP(path, "data/maths/math500.jsonl");
  for (const Json& row : rows_of(path)) {
    const auto answer = row["answer"].get<std::string>();
    const MathsVerdict itself = grade_maths({answer, "\\boxed{" + answer + "}"});
    EXPECT_TRUE(itself.equal()) << answer << ": " << to_string(itself.reason);
    const MathsVerdict solution = grade_maths({answer, row["solution"].get<std::string>()});
    EXPECT_TRUE(solution.equal()) << answer << " | " << solution.extracted_pred << ": " << to_string(solution.reason);
  }
}

TEST(Math500, NeighboursThatDifferAreTold) {
  RETORT_SHARED_OR_SKIP(path, "data/maths/math500.jsonl");
  const std::vector<Json> rows = rows_of(path);
  std::vector<std::string> equal;
  std::size_t pairs = 0;
  for (std::size_t i = 0; i + 1 < rows.size(); ++i) {
    const auto gold = rows[i]["answer"].get<std::string>();
    const auto pred = rows[i + 1]["answer"].get<std::string>();
    if (gold == pred) continue;
    ++pairs;
    if (grade_maths({gold, "\\boxed{" + pred + "}"}).equal()) equal.push_back(gold + " and " + pred);
  }
  EXPECT_GE(pairs, 490u);
  for (const std::string& pair : equal) EXPECT_TRUE(pair == "5 and x=5" || pair == "x=5 and 5") << pair;
}

}  // namespace
}  // namespace retort::grade
