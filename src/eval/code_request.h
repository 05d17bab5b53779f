// A row of a task that runs code as what its grader wants: the program that an answer makes, and its tests.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"
#include "core/json.h"
#include "eval/task.h"
#include "grade/code/grade_code.h"

namespace retort::eval {

/// Nothing where the answer holds no code. kCorrupt where the row is not as its kind has it.
Expected<std::optional<grade::GradeRequest>> code_request(const Task& task, const OrderedJson& row,
                                                          std::string_view answer);

}  // namespace retort::eval
