// The names of the JSON types, for headers that only pass them on: what is behind them costs the compiler a second or
// more in every file that includes core/json.h.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace retort {

/// Objects keep their keys in sorted order.
using Json = nlohmann::json;
/// Objects keep their keys as written: for what is rendered or written back.
using OrderedJson = nlohmann::ordered_json;

}  // namespace retort
