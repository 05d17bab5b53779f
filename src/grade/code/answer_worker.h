// A Python process that holds an answer's functions and calls them when it is asked.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "grade/code/grade_parts.h"

namespace retort::grade {

/// What became of loading the answer: nothing where it is ready.
struct LoadFailure {
  Verdict verdict;
  std::string message;
};

/// Gives it the source, and waits until it is ready. An error: the sandbox was refused.
Expected<std::optional<LoadFailure>> load_answer(SandboxProcess& worker, const std::string& source,
                                                 const GradeContext& context);

/// Why it ended before it answered.
TestResult result_of_dead(const SandboxProcess& worker);

/// "TypeError: ..." from {"raised", "message"}.
std::string raised_text(const Json& reply);

}  // namespace retort::grade
