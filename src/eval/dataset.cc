#include "eval/dataset.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "core/ascii.h"
#include "eval/csv.h"
#include "eval/file_bytes.h"

namespace retort::eval {
namespace {

Expected<std::vector<Row>> jsonl_rows(std::string_view content, std::string_view what) {
  std::vector<Row> rows;
  std::int64_t line = 0;
  while (!content.empty()) {
    const std::size_t length = std::min(content.find('\n'), content.size());
    const std::string_view text = trimmed(content.substr(0, length));
    content.remove_prefix(std::min(length + 1, content.size()));
    ++line;
    if (text.empty()) continue;
    RETORT_TRY(OrderedJson value, parse_ordered_json(text, fmt::format("{}:{}", what, line)));
    if (!value.is_object()) {
      return fail(ErrorCode::kCorrupt, "{}:{}: must be a JSON object but is {}", what, line, value.type_name());
    }
    rows.push_back({line, std::move(value)});
  }
  return rows;
}

Expected<std::vector<Row>> json_rows(std::string_view content, std::string_view what) {
  RETORT_TRY(OrderedJson array, parse_ordered_json(content, what));
  if (!array.is_array()) {
    return fail(ErrorCode::kCorrupt,
                "{}: must be a JSON array of objects but is {}; if it has an object a line, its "
                "format is jsonl",
                what, array.type_name());
  }
  std::vector<Row> rows;
  rows.reserve(array.size());
  for (OrderedJson& value : array) {
    const auto number = static_cast<std::int64_t>(rows.size()) + 1;
    if (!value.is_object()) {
      return fail(ErrorCode::kCorrupt, "{}: element {} must be an object but is {}", what, number, value.type_name());
    }
    rows.push_back({number, std::move(value)});
  }
  return rows;
}

Expected<std::vector<Row>> csv_rows(std::string_view content, std::string_view what) {
  RETORT_TRY(auto records, parse_csv(content, what));
  std::vector<Row> rows;
  if (records.empty()) return rows;
  std::vector<std::string> names = std::move(records.front().fields);
  for (std::string& name : names) name = std::string(trimmed(name));
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i), names[i]) ==
        names.begin() + static_cast<std::ptrdiff_t>(i)) {
      continue;
    }
    return fail(ErrorCode::kCorrupt, "{}:{}: the heading has '{}' twice", what, records.front().line, names[i]);
  }
  for (std::size_t r = 1; r < records.size(); ++r) {
    OrderedJson value = OrderedJson::object();
    for (std::size_t i = 0; i < names.size(); ++i) value[names[i]] = std::move(records[r].fields[i]);
    rows.push_back({records[r].line, std::move(value)});
  }
  return rows;
}

Expected<std::vector<Row>> rows_of(std::string_view content, DataFormat format, std::string_view what) {
  switch (format) {
    case DataFormat::kJsonl:
      return jsonl_rows(content, what);
    case DataFormat::kJson:
      return json_rows(content, what);
    case DataFormat::kCsv:
      return csv_rows(content, what);
    case DataFormat::kText:
      break;
  }
  std::vector<Row> rows;
  if (!content.empty()) rows.push_back({1, OrderedJson{{"text", content}}});
  return rows;
}

}  // namespace

Expected<DataFormat> data_format_from(std::string_view name) {
  for (const DataFormat format : {DataFormat::kJsonl, DataFormat::kJson, DataFormat::kCsv, DataFormat::kText}) {
    if (name == to_string(format)) return format;
  }
  return fail(ErrorCode::kInvalidArgument, "a data format must be jsonl, json, csv or text but is '{}'", name);
}

std::string_view to_string(DataFormat format) {
  switch (format) {
    case DataFormat::kJsonl:
      return "jsonl";
    case DataFormat::kJson:
      return "json";
    case DataFormat::kCsv:
      return "csv";
    case DataFormat::kText:
      return "text";
  }
  return "?";
}

std::string Dataset::place(const Row& row) const {
  return format == DataFormat::kJson ? fmt::format("{}: element {}", path, row.line)
                                     : fmt::format("{}:{}", path, row.line);
}

Expected<Dataset> parse_dataset(std::string_view content, DataFormat format, std::string_view what) {
  RETORT_TRY(auto rows, rows_of(content, format, what));
  if (rows.empty()) return fail(ErrorCode::kCorrupt, "{}: has no rows", what);
  return Dataset{.path = std::string(what), .format = format, .rows = std::move(rows)};
}

Expected<Dataset> read_dataset(const std::filesystem::path& path, DataFormat format) {
  RETORT_TRY(FileBytes file, read_file_bytes(path));
  RETORT_TRY(Dataset dataset, parse_dataset(file.content, format, path.string()));
  dataset.sha256 = std::move(file.sha256);
  return dataset;
}

Status require_fields(const Dataset& dataset, std::span<const std::string> fields) {
  for (const Row& row : dataset.rows) {
    for (const std::string& field : fields) {
      const auto found = row.value.find(field);
      if (found != row.value.end() && !found->is_null()) continue;
      std::string names;
      for (auto it = row.value.begin(); it != row.value.end(); ++it) names += (names.empty() ? "" : ", ") + it.key();
      if (names.size() > 200) names = names.substr(0, 197) + "...";
      return fail(ErrorCode::kCorrupt, "{}: has no field '{}' (it has: {}); is it the file that the task is made for?",
                  dataset.place(row), field, names);
    }
  }
  return {};
}

Expected<std::vector<std::string>> row_ids(const Dataset& dataset, std::string_view id_field) {
  std::vector<std::string> ids;
  std::unordered_map<std::string, std::size_t> seen;
  for (std::size_t i = 0; i < dataset.rows.size(); ++i) {
    const Row& row = dataset.rows[i];
    std::string id;
    if (id_field.empty()) {
      id = std::to_string(i);
    } else {
      const auto found = row.value.find(id_field);
      if (found == row.value.end() || !(found->is_string() || found->is_number_integer())) {
        return fail(ErrorCode::kCorrupt, "{}: field '{}' must be a text or a whole number: it names the question",
                    dataset.place(row), id_field);
      }
      id = found->is_string() ? found->get<std::string>() : found->dump();
    }
    const auto [first, fresh] = seen.emplace(id, i);
    if (!fresh) {
      return fail(ErrorCode::kCorrupt, "{}: field '{}' is '{}', as in {}; each question needs a name of its own",
                  dataset.place(row), id_field, id, dataset.place(dataset.rows[first->second]));
    }
    ids.push_back(std::move(id));
  }
  return ids;
}

}  // namespace retort::eval
