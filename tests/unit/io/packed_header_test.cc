// The header of a packed file: what is written is what is read, and nothing else is.
#include "io/packed_header.h"

#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

#include "io/packed_writer.h"
#include "testing/expect_error.h"
#include "testing/temp_dir.h"

namespace retort {
namespace {

using testing::expect_error;
using testing::TempDir;

PackedHeader two_tensors() {
  PackedHeader header;
  header.retort_version = "1.2.3";
  header.layout = 7;
  header.source = {{.name = "m.gguf", .bytes = 100, .header_bytes = 40}};
  header.tensors = {{.name = "a", .format = "P4", .rows = 16, .columns = 32, .bytes = 288},
                    {.name = "b", .format = "P8", .rows = 3, .columns = 32, .bytes = 544}};
  header.chunk_bytes = kPackedPage;
  return header;
}

std::vector<SourceFile> source_of(const PackedHeader& header) {
  std::vector<SourceFile> source = header.source;
  source[0].header_hash = std::string(64, 'a');
  source[0].sample_hash = std::string(64, 'b');
  source[0].whole_hash = std::string(64, 'c');
  return source;
}

std::vector<std::byte> panels(std::size_t bytes, char value) {
  return std::vector<std::byte>(bytes, static_cast<std::byte>(value));
}

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string packed_bytes_of(const TempDir& folder) {
  auto writer = PackedWriter::create(folder.path() / "m.packed", two_tensors());
  EXPECT_TRUE(writer);
  EXPECT_TRUE(writer->append(panels(288, 'x')));
  EXPECT_TRUE(writer->append(panels(544, 'y')));
  EXPECT_TRUE(writer->finish(source_of(writer->header())));
  return content_of(folder.path() / "m.packed");
}

Expected<PackedHeader> parse_packed(const std::string& bytes) {
  return parse_packed_header(std::as_bytes(std::span(bytes)), bytes.size(), "m.packed");
}

// The file with a header of one's own making, its hash right.
std::string with_header(PackedHeader header, std::size_t payload) {
  for (SourceFile& file : header.source) file.header_hash = file.sample_hash = file.whole_hash = std::string(64, '0');
  return packed_head(header) + std::string(payload, 'x');
}

TEST(PackedHeader, RoundTrip) {
  const TempDir folder;
  const std::string bytes = packed_bytes_of(folder);
  const auto header = parse_packed(bytes);
  ASSERT_TRUE(header) << header.error().message();
  EXPECT_EQ(header->retort_version, "1.2.3");
  EXPECT_EQ(header->layout, 7);
  EXPECT_EQ(header->payload_offset % kPackedPage, 0u);
  EXPECT_EQ(header->payload_bytes, 320u + 576u);
  ASSERT_EQ(header->tensors.size(), 2u);
  EXPECT_EQ(header->tensors[1].name, "b");
  EXPECT_EQ(header->tensors[1].offset, 320u);
  EXPECT_EQ(bytes.substr(header->payload_offset + 320, 544), std::string(544, 'y'));
  EXPECT_EQ(header->source[0].whole_hash, std::string(64, 'c'));
  EXPECT_EQ(header->source[0].bytes, 100u);
}

TEST(PackedHeader, EveryFlippedBitIsSeen) {
  const TempDir folder;
  std::string bytes = packed_bytes_of(folder);
  const std::size_t head = parse_packed(bytes)->payload_offset;
  for (std::size_t bit = 0; bit < head * 8; bit += bit < 512 ? 1 : 13) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(parse_packed(bytes)) << bit;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  }
  EXPECT_TRUE(parse_packed(bytes));
}

TEST(PackedHeader, EveryTruncationIsSeen) {
  const TempDir folder;
  const std::string bytes = packed_bytes_of(folder);
  for (std::size_t length = 0; length < bytes.size(); length += length < 64 ? 1 : 97) {
    EXPECT_FALSE(parse_packed(bytes.substr(0, length))) << length;
  }
  expect_error(parse_packed(bytes.substr(0, bytes.size() - 1)), ErrorCode::kCorrupt, {"m.packed", "cut off", "pack"});
  expect_error(parse_packed(bytes + "x"), ErrorCode::kCorrupt, {"896", "897"});
}

TEST(PackedHeader, AnotherVersionIsNamed) {
  const TempDir folder;
  std::string bytes = packed_bytes_of(folder);
  bytes[8] = 9;
  expect_error(parse_packed(bytes), ErrorCode::kUnsupported, {"version 1", "version 9", "retort pack"});
}

TEST(PackedHeader, WhatContradictsItselfIsRefused) {
  PackedHeader good = two_tensors();
  good.tensors[1].offset = 320;
  good.payload_bytes = 896;
  good.chunk_hashes = {1};
  ASSERT_TRUE(parse_packed(with_header(good, 896)));
  const auto refused = [&](const auto& change, std::string_view part) {
    PackedHeader bad = good;
    change(bad);
    expect_error(parse_packed(with_header(bad, 896)), ErrorCode::kCorrupt, {"m.packed", part});
  };
  constexpr std::uint64_t kHuge = 0x7fff'ffff'ffff'ffff;
  refused([](PackedHeader& h) { h.tensors[1].offset = 256; }, "begins at 256");
  refused([](PackedHeader& h) { h.tensors[1].offset = kHuge; }, "begins at");
  refused([](PackedHeader& h) { h.tensors[1].bytes = kHuge; }, "but the payload has 896");
  refused([](PackedHeader& h) { h.tensors[1].bytes = 577; }, "but the payload has 896");
  refused([](PackedHeader& h) { h.tensors[1].bytes = 400; }, "the tensors end at");
  refused([](PackedHeader& h) { h.tensors.pop_back(); }, "the tensors end at");
  refused([](PackedHeader& h) { h.tensors[0].rows = 0; }, "rows");
  refused([](PackedHeader& h) { h.tensors[1].name = "a"; }, "there twice");
  refused([](PackedHeader& h) { h.payload_bytes = kHuge; }, "cut off");
  refused([](PackedHeader& h) { h.chunk_hashes.clear(); }, "0 hashes for 1 chunks");
  refused([](PackedHeader& h) { h.chunk_bytes = 1; }, "chunk_bytes");
  refused([](PackedHeader& h) { h.source[0].header_bytes = 101; }, "101");
}

TEST(PackedWriter, LeavesNothingBehindUnlessFinished) {
  const TempDir folder;
  folder.write("m.packed", "old");
  {
    auto writer = PackedWriter::create(folder.path() / "m.packed", two_tensors());
    ASSERT_TRUE(writer);
    ASSERT_TRUE(writer->append(panels(288, 'x')));
  }
  EXPECT_EQ(content_of(folder.path() / "m.packed"), "old");
  const std::filesystem::directory_iterator files(folder.path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

}  // namespace
}  // namespace retort
