// The code that a response holds, and the program that it makes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "grade/code/code_tests.h"

namespace retort::grade {

/// The last fenced block (``` or ~~~) that is marked as `language`; where none is, the last one that is marked as
/// nothing, and else the last of all. One that is never closed reaches to the end. Nothing where there is no block.
std::optional<std::string> fenced_code(std::string_view response, CodeLanguage language);

/// fenced_code() of what follows the reasoning, or all that follows it where it holds no block. Nothing where the
/// reasoning never ends.
std::optional<std::string> code_of_response(std::string_view response, CodeLanguage language);

/// The program of a task that gives the beginning of a function (HumanEval). `code` is what follows `prompt`, or, if it
/// defines `entry_point` itself, a whole program: then it gets what stands before the prompt's last function (imports,
/// helpers) in front.
std::string completed_program(std::string_view prompt, std::string_view code, std::string_view entry_point,
                              CodeLanguage language);

}  // namespace retort::grade
