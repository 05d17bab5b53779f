// The profiles that a task's grader knows: whose conventions an answer is judged by.
#pragma once

#include <string_view>

#include "core/error.h"
#include "eval/task.h"

namespace retort::eval {

/// Empty is the grader's default. kInvalidArgument names those that there are.
Status check_profile(GradeKind kind, std::string_view profile);

}  // namespace retort::eval
