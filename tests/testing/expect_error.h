// Checks that something failed, and that its message tells what a person needs.
#pragma once

#include <gtest/gtest.h>
#include <initializer_list>
#include <string_view>

#include "core/error.h"

namespace retort::testing {

/// `result` is an Expected or a Status; the message must contain every one of `parts`.
template <typename Result>
void expect_error(const Result& result, ErrorCode code, std::initializer_list<std::string_view> parts) {
  ASSERT_FALSE(result.has_value()) << "no error where one was expected";
  EXPECT_EQ(result.error().code(), code) << result.error().message();
  for (const std::string_view part : parts) {
    EXPECT_NE(result.error().message().find(part), std::string::npos)
        << "'" << part << "' is not in: " << result.error().message();
  }
}

}  // namespace retort::testing
