#include "eval/task_fields.h"

#include <cmath>

namespace retort::eval {

Expected<TaskFields> TaskFields::of(const Json& table, std::string where) {
  if (!table.is_object()) {
    return fail(ErrorCode::kCorrupt, "{}: must be a table but is {}", where, table.type_name());
  }
  return TaskFields(table, std::move(where));
}

const Json* TaskFields::find(const std::string& key) {
  asked_.insert(key);
  const auto found = table_->find(key);
  return found == table_->end() ? nullptr : &*found;
}

Error TaskFields::wrong(std::string_view key, std::string_view expected) const {
  const auto found = table_->find(std::string(key));
  if (found == table_->end()) {
    return {ErrorCode::kCorrupt, fmt::format("{}: '{}' is missing: {}", where_, key, expected)};
  }
  std::string shown = json_text(*found);
  if (shown.size() > 60) shown = shown.substr(0, 57) + "...";
  return {ErrorCode::kCorrupt, fmt::format("{}: '{}' must be {} but is {}", where_, key, expected, shown)};
}

Expected<std::string> TaskFields::text(const std::string& key, std::optional<std::string> fallback) {
  const Json* value = find(key);
  if (!value && fallback) return std::move(*fallback);
  if (!value || !value->is_string()) return fail(wrong(key, "a text"));
  return value->get<std::string>();
}

Expected<std::int64_t> TaskFields::integer(const std::string& key, IntRange range,
                                           std::optional<std::int64_t> fallback) {
  const Json* value = find(key);
  if (!value && fallback) return *fallback;
  if (value && value->is_number_integer()) {
    const auto number = value->get<std::int64_t>();
    if (number >= range.min && number <= range.max) return number;
  }
  return fail(wrong(key, fmt::format("a whole number from {} to {}", range.min, range.max)));
}

Expected<double> TaskFields::number(const std::string& key, std::optional<double> fallback) {
  const Json* value = find(key);
  if (!value && fallback) return *fallback;
  if (!value || !value->is_number() || !std::isfinite(value->get<double>())) return fail(wrong(key, "a number"));
  return value->get<double>();
}

Expected<std::vector<std::string>> TaskFields::texts(const std::string& key) {
  std::vector<std::string> list;
  const Json* value = find(key);
  if (!value) return list;
  if (!value->is_array()) return fail(wrong(key, "a list of texts"));
  for (const Json& element : *value) {
    if (!element.is_string()) return fail(wrong(key, "a list of texts"));
    list.push_back(element.get<std::string>());
  }
  return list;
}

const Json* TaskFields::table(const std::string& key) { return find(key); }

Status TaskFields::no_others() const {
  for (auto it = table_->begin(); it != table_->end(); ++it) {
    if (asked_.contains(it.key())) continue;
    std::string known;
    for (const std::string& name : asked_) known += (known.empty() ? "" : ", ") + name;
    return fail(ErrorCode::kCorrupt, "{}: '{}' is not known here; known are: {}", where_, it.key(), known);
  }
  return {};
}

}  // namespace retort::eval
