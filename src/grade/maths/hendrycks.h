// The spelling of an answer as graders of the MATH data set compare it: fractions and roots with braces, no spacing, no
// units, no dollars, degrees or percent signs. It knows nothing of what numbers are worth.
#pragma once

#include <string>
#include <string_view>

namespace retort::grade {

std::string hendrycks_form(std::string_view answer);

}  // namespace retort::grade
