#include "eval/csv.h"

#include <algorithm>
#include <utility>

namespace retort::eval {
namespace {

// Rows become objects whose fields are searched for one by one.
constexpr std::size_t kMaxColumns = 1000;

class CsvReader {
 public:
  CsvReader(std::string_view text, std::string_view what) : rest_(text), what_(what) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
  }

  [[nodiscard]] bool at_end() const { return rest_.empty(); }

  // Up to and with its line's end.
  Expected<CsvRecord> record() {
    CsvRecord record{.line = line_};
    for (;;) {
      RETORT_TRY(std::string field, rest_.starts_with('"') ? quoted() : plain());
      record.fields.push_back(std::move(field));
      if (rest_.starts_with(',')) {
        if (record.fields.size() == kMaxColumns) {
          return fail(ErrorCode::kOutOfRange, "{}:{}: has more than {} fields", what_, line_, kMaxColumns);
        }
        rest_.remove_prefix(1);
        continue;
      }
      end_line();
      return record;
    }
  }

 private:
  Expected<std::string> plain() {
    const std::size_t length = std::min(rest_.find_first_of(",\n\""), rest_.size());
    if (length < rest_.size() && rest_[length] == '"') {
      return fail(ErrorCode::kCorrupt,
                  "{}:{}: a quote within a field that does not begin with one; write the field as "
                  "\"...\" with each quote in it doubled",
                  what_, line_);
    }
    std::string field(rest_.substr(0, length));
    rest_.remove_prefix(length);
    if ((rest_.empty() || rest_.front() == '\n') && field.ends_with('\r')) field.pop_back();
    return field;
  }

  Expected<std::string> quoted() {
    const std::int64_t begun = line_;
    rest_.remove_prefix(1);
    std::string field;
    for (;;) {
      const std::size_t quote = rest_.find('"');
      if (quote == std::string_view::npos) {
        return fail(ErrorCode::kCorrupt, "{}:{}: this quote is never closed", what_, begun);
      }
      const std::string_view part = rest_.substr(0, quote);
      for (const char c : part) line_ += c == '\n' ? 1 : 0;
      field += part;
      rest_.remove_prefix(quote + 1);
      if (!rest_.starts_with('"')) break;
      field += '"';
      rest_.remove_prefix(1);
    }
    if (rest_.empty() || rest_.front() == ',' || rest_.front() == '\n' || rest_.starts_with("\r\n") || rest_ == "\r") {
      return field;
    }
    return fail(ErrorCode::kCorrupt, "{}:{}: text behind a closing quote; a quote within a field is written as two",
                what_, line_);
  }

  void end_line() {
    if (rest_.starts_with('\r')) rest_.remove_prefix(1);
    if (rest_.starts_with('\n')) rest_.remove_prefix(1);
    ++line_;
  }

  std::string_view rest_;
  std::string_view what_;
  std::int64_t line_ = 1;
};

}  // namespace

Expected<std::vector<CsvRecord>> parse_csv(std::string_view text, std::string_view what) {
  std::vector<CsvRecord> records;
  CsvReader reader(text, what);
  while (!reader.at_end()) {
    RETORT_TRY(CsvRecord record, reader.record());
    if (record.fields.size() == 1 && record.fields.front().empty()) continue;
    if (!records.empty() && record.fields.size() != records.front().fields.size()) {
      return fail(ErrorCode::kCorrupt, "{}:{}: has {} fields but the heading has {}", what, record.line,
                  record.fields.size(), records.front().fields.size());
    }
    records.push_back(std::move(record));
  }
  return records;
}

}  // namespace retort::eval
