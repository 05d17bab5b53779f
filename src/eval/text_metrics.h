// Metrics that compare texts, not their meaning.
#pragma once

#include <string_view>

namespace retort::eval {

/// 1 where both are the same after blanks at their ends are dropped, else 0 (lighteval's `em`).
double exact_match(std::string_view answer, std::string_view gold);

}  // namespace retort::eval
