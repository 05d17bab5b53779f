#include "eval/config_difference.h"

#include <algorithm>
#include <set>

#include "core/json.h"

namespace retort::eval {
namespace {

std::string shown_value(const Json* value) {
  if (!value) return "absent";
  std::string text = json_text(*value);
  if (text.size() > 80) text = text.substr(0, 77) + "...";
  return text;
}

void collect(const Json* a, const Json* b, const std::string& field, std::vector<ConfigDifference>& out) {
  if (a && b && *a == *b) return;
  const bool tables = (!a || a->is_object()) && (!b || b->is_object());
  if (!tables) {
    out.push_back({field, shown_value(a), shown_value(b)});
    return;
  }
  std::set<std::string> keys;
  for (const Json* table : {a, b}) {
    if (!table) continue;
    for (auto it = table->begin(); it != table->end(); ++it) keys.insert(it.key());
  }
  if (keys.empty()) out.push_back({field, shown_value(a), shown_value(b)});  // {} and absent
  for (const std::string& key : keys) {
    const auto in = [&key](const Json* table) { return table && table->contains(key) ? &table->at(key) : nullptr; };
    collect(in(a), in(b), field.empty() ? key : fmt::format("{}.{}", field, key), out);
  }
}

}  // namespace

std::vector<ConfigDifference> config_differences(const Json& a, const Json& b) {
  std::vector<ConfigDifference> out;
  collect(&a, &b, "", out);
  return out;
}

std::string describe(const std::vector<ConfigDifference>& differences) {
  constexpr std::size_t kShown = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(differences.size(), kShown); ++i) {
    text += fmt::format("{}{} is {} there and {} here", i > 0 ? "; " : "", differences[i].field, differences[i].a,
                        differences[i].b);
  }
  if (differences.size() > kShown) text += fmt::format("; and {} more", differences.size() - kShown);
  return text;
}

}  // namespace retort::eval
