#include "eval/toml.h"

#include <sstream>
#include <string>
#include <toml++/toml.h>

#include "core/json.h"

namespace retort::eval {
namespace {

constexpr std::size_t kMaxTomlBytes = 1 << 20;

// Depth is bounded by toml++ (TOML_MAX_NESTED_VALUES, 256).
Json json_of(const toml::node& node) {
  if (const auto* table = node.as_table()) {
    Json object = Json::object();
    for (const auto& [key, value] : *table) object[std::string(key.str())] = json_of(value);
    return object;
  }
  if (const auto* array = node.as_array()) {
    Json list = Json::array();
    for (const auto& value : *array) list.push_back(json_of(value));
    return list;
  }
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* integer = node.as_integer()) return integer->get();
  if (const auto* number = node.as_floating_point()) return number->get();
  if (const auto* boolean = node.as_boolean()) return boolean->get();
  std::ostringstream date;
  if (const auto* value = node.as_date()) date << value->get();
  if (const auto* value = node.as_time()) date << value->get();
  if (const auto* value = node.as_date_time()) date << value->get();
  return date.str();
}

}  // namespace

Expected<Json> parse_toml(std::string_view text, std::string_view what) {
  if (text.size() > kMaxTomlBytes) {
    return fail(ErrorCode::kOutOfRange, "{}: has {} bytes, more than the limit of {}", what, text.size(),
                kMaxTomlBytes);
  }
  try {
    return json_of(toml::parse(text));
  } catch (const toml::parse_error& error) {
    return fail(ErrorCode::kCorrupt, "{}:{}:{}: not valid TOML: {}", what, error.source().begin.line,
                error.source().begin.column, error.description());
  } catch (const std::exception& error) {
    return fail(ErrorCode::kCorrupt, "{}: not valid TOML: {}", what, error.what());
  }
}

}  // namespace retort::eval
