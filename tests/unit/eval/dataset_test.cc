#include "eval/dataset.h"

#include <gtest/gtest.h>

#include "testing/expect_error.h"
#include "testing/shared_data.h"

namespace retort::eval {
namespace {

TEST(Dataset, LinesEndAtLineFeedsOnly) {
  const auto data = parse_dataset("{\"a\": \"x\xE2\x80\xA8y\"}\r\n\n{\"a\": 2}", DataFormat::kJsonl, "f.jsonl").value();
  ASSERT_EQ(data.rows.size(), 2U);
  EXPECT_EQ(data.rows[0].value["a"], "x\xE2\x80\xA8y");
  EXPECT_EQ(data.rows[1].line, 3);
  EXPECT_EQ(data.place(data.rows[1]), "f.jsonl:3");
}

TEST(Dataset, OtherFormats) {
  const auto json = parse_dataset(R"([{"a": 1}, {"a": 2}])", DataFormat::kJson, "f.json").value();
  EXPECT_EQ(json.place(json.rows[1]), "f.json: element 2");
  const auto csv = parse_dataset("a, b\n1,x\n", DataFormat::kCsv, "f.csv").value();
  EXPECT_EQ(csv.rows[0].value, (OrderedJson{{"a", "1"}, {"b", "x"}}));
  const auto text = parse_dataset("all\nof it\n", DataFormat::kText, "f").value();
  EXPECT_EQ(text.rows[0].value["text"], "all\nof it\n");
}

TEST(Dataset, ErrorsNameTheLine) {
  testing::expect_error(parse_dataset("{}\n{\"a\": }\n", DataFormat::kJsonl, "f"), ErrorCode::kCorrupt, {"f:2:"});
  testing::expect_error(parse_dataset("{}\n[1]\n", DataFormat::kJsonl, "f"), ErrorCode::kCorrupt, {"f:2:", "array"});
  testing::expect_error(parse_dataset("{\"a\": 1}", DataFormat::kJson, "f"), ErrorCode::kCorrupt, {"f:", "jsonl"});
  testing::expect_error(parse_dataset("[1]", DataFormat::kJson, "f"), ErrorCode::kCorrupt, {"element 1"});
  testing::expect_error(parse_dataset("a,a\n1,2\n", DataFormat::kCsv, "f"), ErrorCode::kCorrupt, {"f:1:", "'a' twice"});
  for (const auto format : {DataFormat::kJsonl, DataFormat::kCsv, DataFormat::kText}) {
    testing::expect_error(parse_dataset("", format, "f"), ErrorCode::kCorrupt, {"no rows"});
  }
  testing::expect_error(data_format_from("xml"), ErrorCode::kInvalidArgument, {"xml", "jsonl"});
}

TEST(Dataset, FieldsAreRequired) {
  const auto data = parse_dataset("{\"a\": 1}\n{\"a\": null, \"b\": 1}\n", DataFormat::kJsonl, "f").value();
  EXPECT_TRUE(
      require_fields(parse_dataset("{\"a\": 0}", DataFormat::kJsonl, "f").value(), std::vector<std::string>{"a"})
          .has_value());
  testing::expect_error(require_fields(data, std::vector<std::string>{"a"}), ErrorCode::kCorrupt,
                        {"f:2:", "'a'", "a, b"});
}

TEST(Dataset, RowsHaveNames) {
  const auto data =
      parse_dataset("{\"id\": 7, \"n\": \"x\"}\n{\"id\": \"a\", \"n\": \"x\"}\n", DataFormat::kJsonl, "f").value();
  EXPECT_EQ(row_ids(data, "").value(), (std::vector<std::string>{"0", "1"}));
  EXPECT_EQ(row_ids(data, "id").value(), (std::vector<std::string>{"7", "a"}));
  testing::expect_error(row_ids(data, "n"), ErrorCode::kCorrupt, {"f:2:", "'x'", "f:1"});
  testing::expect_error(row_ids(data, "m"), ErrorCode::kCorrupt, {"f:1:", "'m'"});
}

TEST(Dataset, RealFilesHaveTheRowsOfTheManifest) {
  RETORT_SHARED_OR_SKIP(manifest_path, "data/MANIFEST.json");
  const Json manifest = parse_json(testing::read_text(manifest_path), "manifest").value();
  int read = 0;
  for (const Json& entry : manifest) {
    const std::string path = entry.at("path");
    const bool lines = path.ends_with(".jsonl") || path.ends_with(".jsonl.gz");
    if (!lines && !path.ends_with("_165.json") && !path.ends_with("_7474.json")) continue;
    // The manifest counts other rows of those below grading/ than its files, of the sha256 that it gives, have.
    if (path.starts_with("grading/")) continue;
    SCOPED_TRACE(path);
    const auto data = read_dataset(manifest_path.parent_path() / path, lines ? DataFormat::kJsonl : DataFormat::kJson);
    ASSERT_TRUE(data.has_value()) << data.error().message();
    EXPECT_EQ(data->rows.size(), entry.at("rows").get<std::size_t>());
    EXPECT_EQ(data->sha256, entry.at("sha256").get<std::string>());
    ++read;
  }
  EXPECT_GT(read, 10);
}

}  // namespace
}  // namespace retort::eval
