// Judges one program, or many at once.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"
#include "grade/code/code_tests.h"
#include "grade/code/limits.h"
#include "grade/code/sandbox.h"
#include "grade/code/verdict.h"

namespace retort::grade {

class CodePool;

/// What compiling may use: a program that wants more is a compile error.
inline constexpr Limits kCompileLimits = {.cpu_ms = 30'000,
                                          .wall_ms = 60'000,
                                          .memory_bytes = std::int64_t{2} << 30,
                                          .output_bytes = 64 << 20,
                                          .file_bytes = 256 << 20,
                                          .processes = 32};

struct GraderOptions {
  SandboxTools tools;
  Limits limits;  ///< of requests that name none: each test, or all asserts of a text together
  Limits compile_limits = kCompileLimits;
  int warm = 2;  ///< Python interpreters that stand ready under `limits`; each is used once. 0: none
};

struct GradeRequest {
  CodeLanguage language = CodeLanguage::kPython;
  std::string source;
  CodeTests tests;
  std::optional<Limits> limits;
  enum class After { kStopAtFailure, kRunAll } after = After::kRunAll;
};

struct TestResult {
  Verdict verdict = Verdict::kAccepted;
  std::string message;  ///< why not accepted; may quote what the program wrote, so it is not to be trusted
  double wall_ms = 0;
  double cpu_ms = 0;
  std::int64_t peak_memory = 0;  ///< bytes
};

struct GradeResult {
  Verdict verdict = Verdict::kAccepted;  ///< the first of the tests' that is not accepted
  std::string message;                   ///< of that test, or what the compiler or the sandbox said
  std::size_t passed = 0;
  std::size_t total = 0;
  std::vector<TestResult> tests;  ///< those that were run; fewer than total where it stopped
};

/// Thread-safe. Keeps interpreters warm and precompiled parts; both go with it.
class CodeGrader {
 public:
  explicit CodeGrader(GraderOptions options);
  ~CodeGrader();
  CodeGrader(const CodeGrader&) = delete;
  CodeGrader& operator=(const CodeGrader&) = delete;

  /// kSandboxRefused is a result. An error: the tests themselves do not run (kCorrupt), limits that make no sense, no
  /// memory or processes to be had.
  Expected<GradeResult> grade(const GradeRequest& request);

 private:
  GraderOptions options_;
  std::unique_ptr<CodePool> pool_;
};

/// Each result in its request's place. `workers` >= 1 run at once.
std::vector<Expected<GradeResult>> grade_all(CodeGrader& grader, std::span<const GradeRequest> requests, int workers);

}  // namespace retort::grade
