// TOML as JSON, so that one set of checks serves both. toml++ stands behind it; toml.cc alone includes that.
#pragma once

#include <string_view>

#include "core/error.h"
#include "core/json_fwd.h"

namespace retort::eval {

/// An object. Dates and times become their text. kCorrupt with "WHAT:LINE:COLUMN: ..." for what is not TOML,
/// kOutOfRange above 1 MiB, or with more than 32 dots outside of texts in a line (each may nest a table).
Expected<Json> parse_toml(std::string_view text, std::string_view what);

}  // namespace retort::eval
