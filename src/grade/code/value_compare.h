// Values that a function of judged code returned, against those that a test expects.
#pragma once

#include "core/error.h"
#include "core/json_fwd.h"

namespace retort::grade {

/// JSON of a test as python_harness.h encodes values. kOutOfRange for what is nested too deeply.
Expected<Json> encoded_value(const Json& value);

/// `found` as python_harness.h encodes it, from judged code: anything at all. Tuples count as lists; a number is equal
/// to another of any type, within `tolerance` (absolute or relative) where either is no integer.
bool value_matches(const Json& found, const Json& expected, double tolerance);

/// As a person reads it, for a message: at most 200 bytes.
std::string value_text(const Json& encoded);

}  // namespace retort::grade
