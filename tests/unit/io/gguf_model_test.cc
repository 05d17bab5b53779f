// GGUF models in several parts.
#include <gtest/gtest.h>

#include "io/gguf.h"
#include "testing/expect_error.h"
#include "testing/gguf_builder.h"
#include "testing/temp_dir.h"

namespace retort {
namespace {

namespace fs = std::filesystem;
using ::retort::testing::expect_error;
using ::retort::testing::GgufBuilder;
using ::retort::testing::TempDir;

struct PartOptions {
  std::uint16_t no;
  std::uint16_t count = 3;
  std::int32_t tensors = 3;
  std::string tensor;  ///< "t" + no if empty
};

std::string part(const PartOptions& options) {
  GgufBuilder file;
  file.u16("split.no", options.no).u16("split.count", options.count).i32("split.tensors.count", options.tensors);
  file.f32_tensor(options.tensor.empty() ? "t" + std::to_string(options.no) : options.tensor, {4});
  return file.build();
}

constexpr std::string_view kFirst = "m-00001-of-00003.gguf";
constexpr std::string_view kSecond = "m-00002-of-00003.gguf";
constexpr std::string_view kThird = "m-00003-of-00003.gguf";

void write_all(const TempDir& dir) {
  dir.write(kFirst, part({.no = 0}));
  dir.write(kSecond, part({.no = 1}));
  dir.write(kThird, part({.no = 2}));
}

TEST(GgufModel, AnyPartOpensAllOfThem) {
  const TempDir dir;
  write_all(dir);
  for (const auto name : {kFirst, kSecond, kThird}) {
    const auto model = open_gguf_model(dir.path() / name);
    ASSERT_TRUE(model) << model.error().message();
    ASSERT_EQ(model->files.size(), 3U);
    EXPECT_EQ(model->first().tensors()[0].name, "t0");
    EXPECT_EQ(model->files[2].tensors()[0].name, "t2");
  }
}

TEST(GgufModel, OneFileIsAModel) {
  const TempDir dir;
  EXPECT_TRUE(open_gguf_model(dir.write("m.gguf", testing::tiny_gguf().build())));
  EXPECT_TRUE(open_gguf_model(dir.write("one.gguf", part({.no = 0, .count = 1, .tensors = 1}))))
      << "a split into one part";
}

TEST(GgufModel, AMissingPartIsNamed) {
  const TempDir dir;
  write_all(dir);
  fs::remove(dir.path() / kSecond);
  expect_error(open_gguf_model(dir.path() / kFirst), ErrorCode::kNotFound, {"part 2 of 3", kSecond});
}

TEST(GgufModel, PartsThatDoNotBelongTogetherAreRefused) {
  const TempDir dir;
  write_all(dir);
  const fs::path first = dir.path() / kFirst;
  dir.write(kSecond, part({.no = 2}));
  expect_error(open_gguf_model(first), ErrorCode::kCorrupt, {kSecond, "'split.no' is 2", "asks for 1"});
  dir.write(kSecond, part({.no = 1, .count = 4}));
  expect_error(open_gguf_model(first), ErrorCode::kCorrupt, {kSecond, "'split.count' is 4"});
  dir.write(kSecond, part({.no = 1, .tensor = "t0"}));
  expect_error(open_gguf_model(first), ErrorCode::kCorrupt, {kSecond, "'t0' is also in another part"});
  dir.write(kSecond, GgufBuilder().f32_tensor("t1", {4}).build());
  expect_error(open_gguf_model(first), ErrorCode::kCorrupt, {kSecond, "'split.no' is missing"});
  dir.write(kSecond, "GGUF");
  expect_error(open_gguf_model(first), ErrorCode::kCorrupt, {kSecond});
  dir.write(kSecond, part({.no = 1}));
  dir.write(kFirst, part({.no = 0, .tensors = 4}));
  expect_error(open_gguf_model(first), ErrorCode::kCorrupt, {"'split.tensors.count' is 4", "3 tensors"});
}

TEST(GgufModel, ARenamedPartIsTold) {
  const TempDir dir;
  expect_error(open_gguf_model(dir.write("renamed.gguf", part({.no = 0}))), ErrorCode::kInvalidArgument,
               {"one of 3 parts", "-00001-of-00003.gguf"});
  expect_error(open_gguf_model(dir.write("m-00001-of-00002.gguf", part({.no = 0}))), ErrorCode::kCorrupt,
               {"'split.count' is 3"});
}

TEST(GgufModel, NumbersThatAreNoneAreNotRead) {
  const TempDir dir;
  for (const auto* name : {"m-0000x-of-00003.gguf", "m-00001-of-0000-.gguf", "m--0001-of-00003.gguf",
                           "-00001-of-00003.gguf", "m-00000-of-00003.gguf"}) {
    expect_error(open_gguf_model(dir.write(name, part({.no = 0}))), ErrorCode::kInvalidArgument, {"one of 3 parts"});
  }
}

}  // namespace
}  // namespace retort
