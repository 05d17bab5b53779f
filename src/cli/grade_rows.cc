#include "cli/grade_rows.h"

#include <fmt/format.h>
#include <fstream>
#include <iostream>
#include <utility>

namespace retort::cli {

Status for_each_row(const std::string& path, const std::function<Expected<OrderedJson>(const Json&)>& judge) {
  std::ifstream file;
  if (path != "-") {
    file.open(path);
    if (!file) return fail(ErrorCode::kNotFound, "{}: cannot be opened", path);
  }
  std::istream& in = path == "-" ? std::cin : file;
  const std::string name = path == "-" ? "standard input" : path;
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (line.empty()) continue;
    const std::string where = fmt::format("{}:{}", name, number);
    RETORT_TRY(const Json row, parse_json(line, where));
    if (!row.is_object()) return fail(ErrorCode::kCorrupt, "{}: expected a JSON object", where);
    Expected<OrderedJson> judged = judge(row);
    if (!judged) return fail(std::move(judged).error().within(where));
    if (row.contains("id")) (*judged)["id"] = row["id"];
    fmt::print("{}\n", json_text(*judged));
  }
  if (in.bad()) return fail(ErrorCode::kIo, "{}: cannot be read", name);
  return {};
}

}  // namespace retort::cli
