// Writing safetensors: what comes back, and what a failure leaves behind.
#include <csignal>
#include <cstring>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "io/safetensors.h"
#include "testing/expect_error.h"
#include "testing/shared_data.h"
#include "testing/temp_dir.h"

namespace retort {
namespace {

namespace fs = std::filesystem;
using ::retort::testing::expect_error;
using ::retort::testing::TempDir;

NamedTensor named(std::string name, DType dtype, const Shape& shape, const std::vector<std::byte>& data) {
  return {std::move(name), {dtype, shape, data.data(), data.size()}};
}

std::vector<std::byte> pattern(std::size_t size) {
  std::vector<std::byte> data(size);
  for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<std::byte>(i * 37 + 11);
  return data;
}

std::size_t files_in(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(SafetensorsWrite, ReadsBackTheSame) {
  const TempDir dir;
  const auto a = pattern(3);
  const auto b = pattern(2 * 3 * 4);
  const auto c = pattern(10);
  const std::vector<std::byte> none;
  const NamedTensor tensors[] = {named("a", DType::kI8, {3}, a), named("b", DType::kF32, {2, 3}, b),
                                 named("c \"quoted\"\n\xC3\xA9", DType::kBF16, {5, 1}, c),
                                 named("empty", DType::kF32, {0, 4}, none)};
  const auto status = write_safetensors(dir.path() / "m.safetensors", tensors, {{"key", "value"}});
  ASSERT_TRUE(status) << status.error().message();
  const auto file = open_safetensors(dir.path() / "m.safetensors");
  ASSERT_TRUE(file) << file.error().message();
  ASSERT_EQ(file->tensors.size(), 4U);
  for (const NamedTensor& tensor : tensors) {
    const TensorView& read = file->tensors.at(tensor.name);
    EXPECT_EQ(read.dtype, tensor.view.dtype);
    EXPECT_EQ(read.shape, tensor.view.shape);
    ASSERT_EQ(read.bytes, tensor.view.bytes);
    if (read.bytes > 0) {
      EXPECT_EQ(std::memcmp(read.data, tensor.view.data, read.bytes), 0);
    }
    const auto place = reinterpret_cast<std::uintptr_t>(read.data);
    EXPECT_EQ(place % dtype_info(read.dtype).block_bytes, 0U) << tensor.name << " is not aligned to its elements";
  }
  EXPECT_EQ(file->metadata.at("key"), "value");
  EXPECT_EQ(files_in(dir.path()), 1U) << "the temporary file must be gone";
}

TEST(SafetensorsWrite, TheOrderOfTheTensorsDoesNotMatter) {
  const TempDir dir;
  const auto data = pattern(8);
  const NamedTensor forward[] = {named("a", DType::kF32, {2}, data), named("b", DType::kF16, {4}, data)};
  const NamedTensor backward[] = {forward[1], forward[0]};
  ASSERT_TRUE(write_safetensors(dir.path() / "1", forward));
  ASSERT_TRUE(write_safetensors(dir.path() / "2", backward));
  EXPECT_EQ(testing::read_text(dir.path() / "1"), testing::read_text(dir.path() / "2"));
}

TEST(SafetensorsWrite, RefusesTensorsThatMakeNoSense) {
  const TempDir dir;
  const fs::path path = dir.path() / "m";
  const auto data = pattern(8);
  const NamedTensor twice[] = {named("a", DType::kF32, {2}, data), named("a", DType::kF32, {2}, data)};
  expect_error(write_safetensors(path, twice), ErrorCode::kInvalidArgument, {"'a'"});
  const NamedTensor size[] = {named("a", DType::kF32, {3}, data)};
  expect_error(write_safetensors(path, size), ErrorCode::kInvalidArgument, {"'a'", "8 bytes"});
  const NamedTensor reserved[] = {named("__metadata__", DType::kF32, {2}, data)};
  expect_error(write_safetensors(path, reserved), ErrorCode::kInvalidArgument, {"__metadata__"});
  const NamedTensor bytes[] = {named("\xff", DType::kF32, {2}, data)};
  expect_error(write_safetensors(path, bytes), ErrorCode::kInvalidArgument, {"UTF-8"});
  const NamedTensor nothing[] = {{"a", {DType::kF32, {2}, nullptr, 8}}};
  expect_error(write_safetensors(path, nothing), ErrorCode::kInvalidArgument, {"'a'"});
  const auto blocks = pattern(18);
  const NamedTensor quantized[] = {named("a", DType::kQ4_0, {32}, blocks)};
  expect_error(write_safetensors(path, quantized), ErrorCode::kUnsupported, {"Q4_0"});
  EXPECT_EQ(files_in(dir.path()), 0U);
}

TEST(SafetensorsWrite, AFailureKeepsTheOldFileAndLeavesNothingElse) {
  const TempDir dir;
  const fs::path path = dir.write("m.safetensors", "old");
  const auto data = pattern(1 << 20);
  const NamedTensor tensors[] = {named("a", DType::kI8, {1 << 20}, data)};
  // A limit on the size of files stands for a full disk.
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1 << 16, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto status = write_safetensors(path, tensors);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  expect_error(status, ErrorCode::kIo, {"m.safetensors", "write"});
  EXPECT_EQ(testing::read_text(path), "old");
  EXPECT_EQ(files_in(dir.path()), 1U);
}

TEST(SafetensorsWrite, AMissingFolderIsNamed) {
  const auto data = pattern(4);
  const NamedTensor tensors[] = {named("a", DType::kI8, {4}, data)};
  expect_error(write_safetensors("/nonexistent/m.safetensors", tensors), ErrorCode::kIo, {"/nonexistent/", "create"});
}

}  // namespace
}  // namespace retort
