// CSV as RFC 4180 has it: fields between commas, quoted where they hold commas, quotes or line breaks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace retort::eval {

struct CsvRecord {
  std::int64_t line = 0;  ///< where it begins, from 1
  std::vector<std::string> fields;
};

/// All records, the heading among them. Lines end in \n or \r\n; a byte order mark is dropped, and so are empty lines.
/// kCorrupt with "WHAT:LINE: ..." for a quote within an unquoted field, text behind a closing quote, a quote that is
/// never closed, and a record with another number of fields than the first; kOutOfRange above 1000 fields.
Expected<std::vector<CsvRecord>> parse_csv(std::string_view text, std::string_view what);

}  // namespace retort::eval
