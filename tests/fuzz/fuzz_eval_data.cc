// Any bytes as a benchmark's data: the first says as what, the rest is the file. An error, or rows that keep their
// promises.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/error.h"
#include "core/json.h"
#include "eval/codeforces.h"
#include "eval/csv.h"
#include "eval/dataset.h"
#include "eval/file_bytes.h"
#include "eval/livecodebench.h"

namespace {

constexpr std::uint64_t kMostBytes = 16 << 20;

void read_rows(std::string_view content, retort::eval::DataFormat format) {
  const auto data = retort::eval::parse_dataset(content, format, "input");
  if (!data) return;
  RETORT_CHECK(!data->rows.empty());
  for (const auto& row : data->rows) RETORT_CHECK(row.line > 0 && row.value.is_object());
  const auto ids = retort::eval::row_ids(*data, "");
  RETORT_CHECK(ids && ids->size() == data->rows.size());
  static_cast<void>(retort::eval::row_ids(*data, "id"));
  static_cast<void>(retort::eval::livecodebench_tests(data->rows.front().value));
}

void read_standings(std::string_view content) {
  const auto json = retort::parse_json(content, "input");
  if (!json) return;
  if (const auto histogram = retort::eval::RatingHistogram::parse(*json)) {
    const double percentile = histogram->percentile(1500);
    RETORT_CHECK(percentile >= 0 && percentile <= 100);
  }
  const auto contests = retort::eval::parse_standings(*json);
  if (!contests) return;
  for (const auto& contest : *contests) {
    const auto result = retort::eval::take_part(contest, {{"A", {true, 1}}});
    RETORT_CHECK(result.rating >= 0 && result.rating <= 4000 && result.rank >= 1 && result.rank <= result.of + 1);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view content(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'l':
      read_rows(content, retort::eval::DataFormat::kJsonl);
      break;
    case 'j':
      read_rows(content, retort::eval::DataFormat::kJson);
      break;
    case 'c':
      read_rows(content, retort::eval::DataFormat::kCsv);
      break;
    case 's':
      read_standings(content);
      break;
    case 'p':
      static_cast<void>(retort::eval::text_of_pickle(content));
      break;
    default:
      if (const auto text = retort::eval::gunzip(content, "input", kMostBytes)) {
        RETORT_CHECK(text->size() <= kMostBytes);
        read_rows(*text, retort::eval::DataFormat::kJsonl);
      }
  }
  return 0;
}
