// Whether two outputs are the same answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace retort::grade {

/// Line by line, blanks at either end of a line and of the whole ignored, as LiveCodeBench does. Lines that differ are
/// the same where they have as many tokens and each pair is equal as text or as exact decimal numbers ("1.0" and
/// "1.00"), or within `tolerance` (absolute or relative) where it is above 0. Nothing, or where they differ first.
std::optional<std::string> output_difference(std::string_view found, std::string_view expected, double tolerance);

/// Exactly, in any number of digits: "-0.50e1" and "-5" are.
bool same_decimal(std::string_view a, std::string_view b);

}  // namespace retort::grade
