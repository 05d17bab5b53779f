#include "eval/toml.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <string>
#include <toml++/toml.h>

#include "core/json.h"

namespace retort::eval {
namespace {

constexpr std::size_t kMaxTomlBytes = 1 << 20;
constexpr int kMaxDotsInLine = 32;

// Behind the text (or comment) that begins at `i`; of a text that is never closed, its line's end. TOML's strings:
// "..." and """...""" have escapes, their like with single quotes have none.
std::size_t behind_text(std::string_view toml, std::size_t i) {
  const char quote = toml[i];
  const bool many_lines = toml.substr(i, 3) == std::string(3, quote);
  const std::string end(many_lines ? 3 : 1, quote);
  for (i += end.size(); i < toml.size() && toml.substr(i, end.size()) != end; ++i) {
    if (toml[i] == '\n' && !many_lines) return i;
    if (toml[i] == '\\' && quote == '"') ++i;
  }
  i += end.size();
  // One or two quotes before the end belong to the text: """a""""" ends behind the last of them.
  for (int more = 0; many_lines && more < 2 && i < toml.size() && toml[i] == quote; ++more) ++i;
  return std::min(i, toml.size());
}

// toml++ bounds how deeply values stand in each other (256), but "a.a.a.a = 1" makes a table for every dot, and tables
// are destroyed by recursion: a line of a million dots would end the stack. So dots outside of texts are counted first.
bool has_line_with_many_dots(std::string_view toml) {
  int dots = 0;
  for (std::size_t i = 0; i < toml.size();) {
    const char c = toml[i];
    if (c == '"' || c == '\'') {
      i = behind_text(toml, i);
      continue;
    }
    if (c == '#') {
      i = std::min(toml.find('\n', i), toml.size());
      continue;
    }
    if (c == '\n') dots = 0;
    if (c == '.' && ++dots > kMaxDotsInLine) return true;
    ++i;
  }
  return false;
}

// Throws what parse_toml catches.
Json json_of(const toml::node& node, std::size_t depth = 0) {
  if (depth > kMaxJsonDepth) throw std::length_error(fmt::format("nested more than {} deep", kMaxJsonDepth));
  if (const auto* table = node.as_table()) {
    Json object = Json::object();
    for (const auto& [key, value] : *table) object[std::string(key.str())] = json_of(value, depth + 1);
    return object;
  }
  if (const auto* array = node.as_array()) {
    Json list = Json::array();
    for (const auto& value : *array) list.push_back(json_of(value, depth + 1));
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
  if (has_line_with_many_dots(text)) {
    return fail(ErrorCode::kOutOfRange, "{}: a line has more than {} dots outside of texts", what, kMaxDotsInLine);
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
