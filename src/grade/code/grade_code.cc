#include "grade/code/grade_code.h"

#include <algorithm>
#include <atomic>
#include <fmt/format.h>
#include <thread>
#include <utility>

#include "core/json.h"
#include "grade/code/grade_parts.h"

namespace retort::grade {
namespace {

std::string last_line(std::string_view text) {
  const std::size_t end = text.find_last_not_of(" \t\r\n");
  if (end == std::string_view::npos) return {};
  const std::size_t begin = text.rfind('\n', end);
  const std::string_view line = text.substr(begin == std::string_view::npos ? 0 : begin + 1,
                                            end + 1 - (begin == std::string_view::npos ? 0 : begin + 1));
  return std::string(line.substr(0, 500));
}

// An allocation that was refused, as Python and the C++ library tell it in their last words.
bool died_of_memory(const SandboxResult& run) {
  const std::string last = last_line(run.err);
  return last.starts_with("MemoryError") || last.find("std::bad_alloc") != std::string::npos ||
         run.err.find("terminate called after throwing an instance of 'std::bad_alloc'") != std::string::npos;
}

}  // namespace

TestResult result_of_run(const SandboxResult& run) {
  TestResult result = {.wall_ms = run.wall_ms, .cpu_ms = run.cpu_ms, .peak_memory = run.peak_memory};
  switch (run.end) {
    case SandboxEnd::kTimeLimit:
      result.verdict = Verdict::kTimeLimit;
      result.message =
          fmt::format("stopped after {:.2f} s, {:.2f} s of the processor", run.wall_ms / 1000, run.cpu_ms / 1000);
      return result;
    case SandboxEnd::kMemoryLimit:
      result.verdict = Verdict::kMemoryLimit;
      result.message = fmt::format("stopped at {} MiB", run.peak_memory >> 20);
      return result;
    case SandboxEnd::kOutputLimit:
      result.verdict = Verdict::kRuntimeError;
      result.message = "it wrote more than it may";
      return result;
    case SandboxEnd::kFileLimit:
      result.verdict = Verdict::kRuntimeError;
      result.message = "it made more files than it may";
      return result;
    case SandboxEnd::kKilled:
    case SandboxEnd::kExited:
      break;
  }
  if (run.exit_code == 0) return result;
  if (died_of_memory(run)) {
    result.verdict = Verdict::kMemoryLimit;
    result.message = "it was refused the memory that it asked for";
    return result;
  }
  result.verdict = Verdict::kRuntimeError;
  const std::string said = last_line(run.err);
  const std::string how =
      run.exit_code > 128 ? fmt::format("signal {}", run.exit_code - 128) : fmt::format("exit code {}", run.exit_code);
  result.message = said.empty() ? how : fmt::format("{}: {}", how, said);
  return result;
}

Next add_result(const GradeRequest& request, TestResult result, GradeResult& grade) {
  const bool accepted = result.verdict == Verdict::kAccepted;
  if (accepted) {
    ++grade.passed;
  } else if (grade.verdict == Verdict::kAccepted) {
    grade.verdict = result.verdict;
    grade.message = result.message;
  }
  grade.tests.push_back(std::move(result));
  return accepted || request.after == GradeRequest::After::kRunAll ? Next::kGoOn : Next::kStop;
}

GradeResult all_failed(const GradeRequest& request, Verdict verdict, std::string message) {
  return {.verdict = verdict, .message = std::move(message), .total = request.tests.count()};
}

Json message_of(const std::string& line) {
  Expected<Json> message = parse_json(line, "message");
  return message && message->is_object() ? *std::move(message) : Json::object();
}

CodeGrader::CodeGrader(GraderOptions options)
    : options_(std::move(options)), pool_(std::make_unique<CodePool>(options_.tools, options_.limits, options_.warm)) {}

CodeGrader::~CodeGrader() = default;

Expected<GradeResult> CodeGrader::grade(const GradeRequest& request) {
  const GradeContext context = {options_, *pool_, request.limits.value_or(options_.limits)};
  RETORT_TRY_STATUS(check_limits(context.limits));
  if (request.tests.count() == 0) return fail(ErrorCode::kInvalidArgument, "no test: expected at least one");
  Expected<GradeResult> result =
      request.language == CodeLanguage::kPython ? grade_python(request, context) : grade_cpp(request, context);
  if (!result && result.error().code() == ErrorCode::kUnsupported) {
    return all_failed(request, Verdict::kSandboxRefused, result.error().message());
  }
  if (result) {
    result->total = request.tests.count();
    // Whatever the tests were, no test run is no pass.
    if (result->verdict == Verdict::kAccepted && result->passed != result->total) {
      return fail(ErrorCode::kCorrupt, "{} of {} tests were run, and none failed", result->passed, result->total);
    }
  }
  return result;
}

std::vector<Expected<GradeResult>> grade_all(CodeGrader& grader, std::span<const GradeRequest> requests, int workers) {
  std::vector<Expected<GradeResult>> results(requests.size());
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = 0; (i = next.fetch_add(1)) < requests.size();) results[i] = grader.grade(requests[i]);
  };
  std::vector<std::thread> threads;
  for (int i = 1; i < workers && static_cast<std::size_t>(i) < requests.size(); ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  return results;
}

}  // namespace retort::grade
