#include "eval/file_bytes.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "testing/expect_error.h"
#include "testing/temp_dir.h"

namespace retort::eval {
namespace {

std::string deflated(std::string_view content, int window_bits) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(content.size() + 1024, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}
std::string gzipped(std::string_view content) { return deflated(content, 15 + 16); }

TEST(FileBytes, GzipIsToldByItsBytes) {
  const testing::TempDir folder;
  const std::string content(200'000, 'x');
  const auto path = folder.write("data.txt", gzipped(content) + gzipped("and more"));
  const FileBytes file = read_file_bytes(path).value();
  EXPECT_EQ(file.content, content + "and more") << "all members";
  EXPECT_EQ(file.sha256, sha256_of(gzipped(content) + gzipped("and more")).value()) << "of the file as it lies there";
  EXPECT_EQ(read_file_bytes(folder.write("empty", "")).value().content, "");
  EXPECT_EQ(sha256_of("abc").value(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(FileBytes, BombsAndStumpsAreRefused) {
  const std::string bomb = gzipped(std::string(1 << 20, 'x'));
  testing::expect_error(gunzip(bomb, "b.gz", 1 << 19), ErrorCode::kOutOfRange, {"b.gz", "512.00 KiB"});
  EXPECT_TRUE(gunzip(bomb, "b.gz", 1 << 20).has_value());
  for (const std::size_t length : {2U, 10U, 15U}) {
    testing::expect_error(gunzip(bomb.substr(0, length), "b.gz"), ErrorCode::kCorrupt, {"b.gz", "cut off"});
  }
  testing::expect_error(gunzip(bomb.substr(0, bomb.size() - 1), "b.gz"), ErrorCode::kCorrupt, {"cut off"});
  testing::expect_error(gunzip(bomb + "tail", "b.gz"), ErrorCode::kCorrupt, {"b.gz"});
  std::string damaged = bomb;
  damaged[damaged.size() - 6] ^= 1;
  testing::expect_error(gunzip(damaged, "b.gz"), ErrorCode::kCorrupt, {"b.gz"});
  testing::expect_error(gunzip("", "b.gz"), ErrorCode::kCorrupt, {"b.gz"});
}

TEST(FileBytes, AZlibStreamEndsWhereItsBytesDo) {
  const std::string stream = deflated("tests", 15);
  EXPECT_EQ(inflate_zlib(stream, "s").value(), "tests");
  testing::expect_error(inflate_zlib(stream + "x", "s"), ErrorCode::kCorrupt, {"1 bytes follow"});
}

TEST(FileBytes, WhatIsNotThere) {
  testing::expect_error(read_file_bytes("/nowhere/x"), ErrorCode::kNotFound, {"/nowhere/x"});
}

}  // namespace
}  // namespace retort::eval
