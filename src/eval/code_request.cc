#include "eval/code_request.h"

#include <utility>

#include "eval/livecodebench.h"
#include "grade/code/extract_code.h"

namespace retort::eval {
namespace {

constexpr std::int64_t kHumanEvalMs = 3'000;  ///< for all assertions of a problem, as its makers allow
constexpr std::int64_t kContestMs = 6'000;    ///< for each input, as LiveCodeBench allows

Expected<std::vector<std::string>> text_list(const OrderedJson& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_array()) {
    return fail(ErrorCode::kCorrupt, "a row lacks the list '{}', which its tests need", name);
  }
  std::vector<std::string> out;
  for (const OrderedJson& item : *found) {
    if (!item.is_string()) return fail(ErrorCode::kCorrupt, "an element of '{}' is no text", name);
    out.push_back(item.get<std::string>());
  }
  return out;
}

/// HumanEval and MBPP: the row has what its form's tests are made of.
Status add_asserts(const OrderedJson& row, const char* type, grade::GradeRequest& out) {
  Json tests = Json::parse(row.dump(-1, ' ', false, Json::error_handler_t::replace));
  tests["type"] = type;
  RETORT_TRY(out.tests, grade::read_code_tests(tests, grade::CodeLanguage::kPython, "the row's tests"));
  out.limits = grade::Limits{.cpu_ms = kHumanEvalMs};
  return {};
}

Status add_contest(const OrderedJson& row, grade::GradeRequest& out) {
  const auto tests = row.find("tests");
  if (tests == row.end() || !tests->is_object()) {
    return fail(ErrorCode::kCorrupt, "a row lacks 'tests' with inputs and outputs");
  }
  RETORT_TRY(std::vector<std::string> inputs, text_list(*tests, "inputs"));
  RETORT_TRY(std::vector<std::string> outputs, text_list(*tests, "outputs"));
  if (inputs.size() != outputs.size()) {
    return fail(ErrorCode::kCorrupt, "a row has {} inputs and {} outputs", inputs.size(), outputs.size());
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    out.tests.cases.push_back({.input = std::move(inputs[i]), .expected = std::move(outputs[i])});
  }
  return {};
}

Status add_livecodebench(const OrderedJson& row, grade::GradeRequest& out) {
  RETORT_TRY(ContestTests tests, livecodebench_tests(row));
  if (!tests.function.empty()) {
    out.tests.form = grade::TestForm::kCall;
    out.tests.entry_point = "Solution." + tests.function;
  }
  for (ContestTest& test : tests.tests) {
    out.tests.cases.push_back({.input = std::move(test.input), .expected = std::move(test.output)});
  }
  return {};
}

}  // namespace

Expected<std::optional<grade::GradeRequest>> code_request(const Task& task, const OrderedJson& row,
                                                          std::string_view answer) {
  grade::GradeRequest out;
  // As the tasks' directives ask.
  if (task.grade.profile == "codeforces") out.language = grade::CodeLanguage::kCpp;
  std::optional<std::string> code = grade::code_of_response(answer, out.language);
  if (!code) return std::optional<grade::GradeRequest>();
  out.source = std::move(*code);
  out.after = grade::GradeRequest::After::kStopAtFailure;
  if (task.grade.kind == GradeKind::kCodeHumanEval) {
    RETORT_TRY_STATUS(add_asserts(row, "humaneval", out));
  } else if (task.grade.kind == GradeKind::kCodeMbpp) {
    RETORT_TRY_STATUS(add_asserts(row, "mbpp", out));
  } else {
    out.limits = grade::Limits{.cpu_ms = kContestMs};
    RETORT_TRY_STATUS(task.grade.profile == "livecodebench" ? add_livecodebench(row, out) : add_contest(row, out));
  }
  return std::optional(std::move(out));
}

}  // namespace retort::eval
