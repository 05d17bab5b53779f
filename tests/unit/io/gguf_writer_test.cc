// GGUF as it is written: read back by the reader, and the same bytes after any interruption.
#include "io/gguf_writer.h"

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

#include "io/gguf.h"
#include "testing/expect_error.h"
#include "testing/gguf_builder.h"
#include "testing/temp_dir.h"

namespace retort {
namespace {

namespace fs = std::filesystem;
using testing::expect_error;
using testing::TempDir;

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

GgufPairs sample_pairs() {
  GgufPairs pairs;
  pairs.set_string("general.architecture", "qwen2");
  pairs.set("a.u8", std::uint8_t{200});
  pairs.set("a.i8", std::int8_t{-3});
  pairs.set("a.u16", std::uint16_t{60000});
  pairs.set("a.i16", std::int16_t{-30000});
  pairs.set("a.u32", std::uint32_t{4000000000});
  pairs.set("a.i32", std::int32_t{-5});
  pairs.set("a.u64", std::uint64_t{1} << 40);
  pairs.set("a.i64", -(std::int64_t{1} << 40));
  pairs.set("a.f32", 1.5f);
  pairs.set("a.f64", 0.1);
  pairs.set("a.bool", true);
  pairs.set_strings("a.strings", std::vector<std::string>{"x", "", "yz"});
  pairs.set_numbers("a.numbers", std::span<const std::int32_t>(std::vector<std::int32_t>{1, -2, 3}));
  return pairs;
}

const std::vector<GgufTensorPlan>& sample_tensors() {
  static const std::vector<GgufTensorPlan> tensors = {
      {"first", DType::kF32, {3, 5}}, {"second", DType::kQ8_0, {2, 64}}, {"third", DType::kF16, {7}}};
  return tensors;
}

std::vector<std::byte> bytes_of(const GgufTensorPlan& tensor) {
  std::vector<std::byte> bytes(*tensor_bytes(tensor.dtype, tensor.shape));
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7 + tensor.name.size());
  return bytes;
}

// Writes tensors up to `end`, the last one but for its last byte where `torn`, and finishes if all are there.
enum class Torn { kNo, kYes };
Status write(const fs::path& path, std::size_t end, Torn torn = Torn::kNo, std::uint64_t job = 1,
             std::size_t* began = nullptr) {
  RETORT_TRY(GgufWriter writer, GgufWriter::open(path, sample_pairs(), sample_tensors(), job, ExistingFile::kRefuse));
  if (began) *began = writer.next_tensor();
  for (std::size_t i = writer.next_tensor(); i < end; ++i) {
    const std::vector<std::byte> bytes = bytes_of(sample_tensors()[i]);
    const std::size_t cut = torn == Torn::kYes && i + 1 == end ? bytes.size() - 1 : bytes.size();
    RETORT_TRY_STATUS(writer.append(std::span(bytes).first(cut / 2)));
    RETORT_TRY_STATUS(writer.append(std::span(bytes).first(cut).subspan(cut / 2)));
  }
  return end == sample_tensors().size() && torn == Torn::kNo ? writer.finish() : Status();
}

TEST(GgufWriter, TheReaderFindsAllThatWasWritten) {
  const TempDir folder;
  const fs::path path = folder.path() / "m.gguf";
  ASSERT_TRUE(write(path, 3));
  const auto file = GgufFile::open(path);
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->version(), 3u);
  EXPECT_TRUE(file->has_tensor_data());
  EXPECT_EQ(file->metadata().size(), sample_pairs().size());
  EXPECT_EQ(**file->get_string("general.architecture"), "qwen2");
  EXPECT_EQ(**file->get_int("a.u8"), 200);
  EXPECT_EQ(**file->get_int("a.i8"), -3);
  EXPECT_EQ(**file->get_int("a.u16"), 60000);
  EXPECT_EQ(**file->get_int("a.i16"), -30000);
  EXPECT_EQ(**file->get_int("a.u32"), 4000000000);
  EXPECT_EQ(**file->get_int("a.i32"), -5);
  EXPECT_EQ(**file->get_int("a.u64"), std::int64_t{1} << 40);
  EXPECT_EQ(**file->get_int("a.i64"), -(std::int64_t{1} << 40));
  EXPECT_EQ(**file->get_number("a.f32"), 1.5);
  EXPECT_EQ(**file->get_number("a.f64"), 0.1);
  EXPECT_EQ(**file->get_bool("a.bool"), true);
  EXPECT_EQ((*file->get_array("a.strings"))->strings, (std::vector<std::string_view>{"x", "", "yz"}));
  EXPECT_EQ((*file->get_array("a.numbers"))->integers, (std::vector<std::int64_t>{1, -2, 3}));
  ASSERT_EQ(file->tensors().size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    const GgufTensor& tensor = file->tensors()[i];
    const GgufTensorPlan& plan = sample_tensors()[i];
    EXPECT_EQ(tensor.name, plan.name);
    EXPECT_EQ(tensor.dtype, plan.dtype);
    EXPECT_EQ(tensor.shape, plan.shape);
    EXPECT_EQ(tensor.offset % kGgufAlignment, 0u);
    const std::vector<std::byte> bytes = bytes_of(plan);
    ASSERT_EQ(tensor.bytes, bytes.size());
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), tensor.data));
  }
  EXPECT_EQ(fs::file_size(path) % kGgufAlignment, 0u);
  EXPECT_FALSE(fs::exists(path.string() + ".partial"));
  EXPECT_FALSE(fs::exists(path.string() + ".partial.journal"));
  const auto copied = copy_gguf_pairs(file->file()->bytes());
  ASSERT_TRUE(copied);
  EXPECT_EQ(copied->bytes(), sample_pairs().bytes());
}

TEST(GgufWriter, GoesOnAfterAnyInterruptionWithTheSameBytes) {
  const TempDir folder;
  const fs::path whole = folder.path() / "whole";
  ASSERT_TRUE(write(whole, 3));
  for (const Torn torn : {Torn::kNo, Torn::kYes}) {
    for (std::size_t end = 0; end <= 2; ++end) {
      const fs::path path = folder.path() / "m.gguf";
      ASSERT_TRUE(write(path, end, torn));
      EXPECT_FALSE(fs::exists(path));
      std::size_t began = 99;
      ASSERT_TRUE(write(path, 3, Torn::kNo, 1, &began));
      EXPECT_EQ(began, torn == Torn::kYes && end > 0 ? end - 1 : end);
      EXPECT_TRUE(content(path) == content(whole)) << end;
      fs::remove(path);
    }
  }
}

TEST(GgufWriter, BeginsAnewWhereTheJobOrTheBytesAreOthers) {
  const TempDir folder;
  const fs::path whole = folder.path() / "whole";
  ASSERT_TRUE(write(whole, 3));
  const fs::path path = folder.path() / "m.gguf";
  const fs::path partial = path.string() + ".partial";
  const fs::path journal = partial.string() + ".journal";
  std::size_t began = 99;
  ASSERT_TRUE(write(path, 2, Torn::kNo, 1));
  ASSERT_TRUE(write(path, 2, Torn::kNo, 2, &began));
  EXPECT_EQ(began, 0u);
  // A byte of the second tensor turns: the first one stays.
  std::string bytes = content(partial);
  bytes[bytes.size() - 40] = static_cast<char>(bytes[bytes.size() - 40] ^ 1);
  std::ofstream(partial, std::ios::binary) << bytes;
  ASSERT_TRUE(write(path, 2, Torn::kNo, 2, &began));
  EXPECT_EQ(began, 1u);
  // The journal says more than there is: the end of the file was lost.
  fs::resize_file(partial, fs::file_size(partial) - 100);
  ASSERT_TRUE(write(path, 2, Torn::kNo, 2, &began));
  EXPECT_EQ(began, 1u);
  // A line of it was lost in part.
  fs::resize_file(journal, fs::file_size(journal) - 3);
  ASSERT_TRUE(write(path, 2, Torn::kNo, 2, &began));
  EXPECT_EQ(began, 1u);
  std::ofstream(journal) << "no journal";
  ASSERT_TRUE(write(path, 3, Torn::kNo, 2, &began));
  EXPECT_EQ(began, 0u);
  EXPECT_TRUE(content(path) == content(whole));
}

TEST(GgufWriter, Refuses) {
  const TempDir folder;
  const fs::path path = folder.write("m.gguf", "old");
  expect_error(write(path, 3), ErrorCode::kInvalidArgument, {"m.gguf", "exists", "--force"});
  EXPECT_EQ(content(path), "old");
  expect_error(write(folder.path(), 3), ErrorCode::kInvalidArgument, {"folder"});
  expect_error(write(folder.path() / "none" / "m.gguf", 3), ErrorCode::kIo, {"none", "No such file"});
  const fs::path busy = folder.path() / "busy.gguf";
  const auto first = GgufWriter::open(busy, sample_pairs(), sample_tensors(), 1, ExistingFile::kRefuse);
  ASSERT_TRUE(first);
  expect_error(write(busy, 3), ErrorCode::kIo, {"busy.gguf.partial", "another process"});
  const GgufTensorPlan odd{"t", DType::kQ4_K, {1, 100}};
  expect_error(GgufWriter::open(folder.path() / "x", {}, {&odd, 1}, 1, ExistingFile::kRefuse),
               ErrorCode::kInvalidArgument, {"'t'", "Q4_K", "[1, 100]"});
}

}  // namespace
}  // namespace retort
