// A table of task.toml, read field by field: what is misspelt, of the wrong kind or missing is an error that names it.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/json.h"

namespace retort::eval {

class TaskFields {
 public:
  /// `table` must outlive it. `where` is "tasks/x/task.toml" and, below a table, its name: "tasks/x/task.toml: data".
  static Expected<TaskFields> of(const Json& table, std::string where);

  Expected<std::string> text(const std::string& key, std::optional<std::string> fallback = std::nullopt);
  Expected<std::int64_t> integer(const std::string& key, IntRange range, std::optional<std::int64_t> fallback);
  /// Finite.
  Expected<double> number(const std::string& key, std::optional<double> fallback = std::nullopt);
  Expected<std::vector<std::string>> texts(const std::string& key);
  /// The table there, or nullptr.
  const Json* table(const std::string& key);

  /// After all fields have been asked for: an error for one that nobody asked for.
  [[nodiscard]] Status no_others() const;
  [[nodiscard]] Error wrong(std::string_view key, std::string_view expected) const;
  [[nodiscard]] const std::string& where() const { return where_; }

 private:
  TaskFields(const Json& table, std::string where) : table_(&table), where_(std::move(where)) {}
  const Json* find(const std::string& key);

  const Json* table_;
  std::string where_;
  std::set<std::string> asked_;
};

}  // namespace retort::eval
