// JSON from outside, read with errors instead of exceptions: bounded in depth, and every field checked by name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/json_fwd.h"

namespace retort {

inline constexpr std::size_t kMaxJsonDepth = 128;

/// Parses one whole document. `what` (a file or a field) begins the error, which gives line and column. Refuses
/// duplicate keys where `unique_keys`, and nesting deeper than kMaxJsonDepth, so that nothing recursive overflows.
enum class DuplicateKeys { kAllow, kRefuse };
Expected<Json> parse_json(std::string_view text, std::string_view what, DuplicateKeys = DuplicateKeys::kAllow);
Expected<OrderedJson> parse_ordered_json(std::string_view text, std::string_view what);

struct JsonTextOptions {
  int indent = -1;  ///< spaces for each level; -1: all on one line
  enum class NonAscii { kKeep, kEscape } non_ascii = NonAscii::kKeep;
};
/// As text. Bytes that are not UTF-8 become U+FFFD.
std::string json_text(const Json& value, JsonTextOptions options = {});
std::string json_text(const OrderedJson& value, JsonTextOptions options = {});

// Fields of an object. An absent or null field gives `fallback` where there is one and kNotFound where there is none;
// a field of the wrong kind or out of range is kCorrupt and says what was found.
struct IntRange {
  std::int64_t min;
  std::int64_t max;
};
Expected<std::int64_t> json_int(const Json& object, std::string_view key, IntRange range,
                                std::optional<std::int64_t> fallback = std::nullopt);
Expected<double> json_number(const Json& object, std::string_view key, std::optional<double> fallback = std::nullopt);
Expected<bool> json_bool(const Json& object, std::string_view key, std::optional<bool> fallback = std::nullopt);
Expected<std::string> json_string(const Json& object, std::string_view key,
                                  std::optional<std::string> fallback = std::nullopt);
/// The field's value, or nullptr if absent or null.
const Json* json_find(const Json& object, std::string_view key);

}  // namespace retort
