// JSONL in, JSONL out.
#pragma once

#include <functional>
#include <string>

#include "core/error.h"
#include "core/json.h"

namespace retort::cli {

/// Prints what `judge` makes of each line of a file, or of standard input where `path` is "-", with the line's "id" if
/// it has one. Stops at the first line that is no object or that judge refuses, naming it; what was judged before is
/// printed.
Status for_each_row(const std::string& path, const std::function<Expected<OrderedJson>(const Json&)>& judge);

}  // namespace retort::cli
