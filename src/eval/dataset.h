// The rows of a benchmark's file as JSON objects, whatever the file is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/json.h"

namespace retort::eval {

/// Each may be gzipped.
enum class DataFormat {
  kJsonl,  ///< an object a line. Lines end at \n only: U+2028 and others are text
  kJson,   ///< one array of objects
  kCsv,    ///< a heading, then rows whose fields are texts (eval/csv.h)
  kText,   ///< the whole file is one row, {"text": ...}
};
/// "jsonl", "json", "csv", "text"; kInvalidArgument for another name.
Expected<DataFormat> data_format_from(std::string_view name);
std::string_view to_string(DataFormat format);

struct Row {
  std::int64_t line = 0;  ///< in the file, from 1; in a JSON array, which element
  OrderedJson value;      ///< an object
};

struct Dataset {
  std::string path;    ///< as it was given: what errors name
  std::string sha256;  ///< of the file
  DataFormat format = DataFormat::kJsonl;
  std::vector<Row> rows;

  /// "math.jsonl:12" or, for an array, "math.json: element 12".
  [[nodiscard]] std::string place(const Row& row) const;
};

/// An error names the file and the line. A file without any row is kCorrupt.
Expected<Dataset> read_dataset(const std::filesystem::path& path, DataFormat format);
/// The same of content in memory (not gzipped); `what` is the path that errors name.
Expected<Dataset> parse_dataset(std::string_view content, DataFormat format, std::string_view what);

/// kCorrupt, naming file, line and field, unless every row has every field (null counts as missing).
Status require_fields(const Dataset& dataset, std::span<const std::string> fields);

/// Names of rows: the field `id_field` (a text or whole number), or where that is empty the number of the row from 0.
/// kCorrupt where two rows have the same, or one has none: results are kept by these names.
Expected<std::vector<std::string>> row_ids(const Dataset& dataset, std::string_view id_field);

}  // namespace retort::eval
