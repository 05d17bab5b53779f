#pragma once

#include <string_view>

namespace retort {

/// The release, as in "0.1.0".
std::string_view version();

/// What it was built with, as in "g++ 12.2.0, Release".
std::string_view build_description();

}  // namespace retort
