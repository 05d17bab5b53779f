// Reading GGUF: right files, and every way in which one can be wrong.
#include "io/gguf.h"

#include <cstring>
#include <gtest/gtest.h>

#include "core/json.h"
#include "io/gguf_types.h"
#include "testing/exact_bytes.h"
#include "testing/expect_error.h"
#include "testing/gguf_builder.h"
#include "testing/shared_data.h"
#include "testing/temp_dir.h"

namespace retort {
namespace {

using ::retort::testing::ExactBytes;
using ::retort::testing::expect_error;
using ::retort::testing::GgufBuilder;
using ::retort::testing::TempDir;
using ::retort::testing::tiny_gguf;

// The file's own bytes are gone when this returns: only whether and why it failed may be looked at.
Status parse_status(std::string_view content) {
  const ExactBytes bytes(content);
  const auto file = GgufFile::parse(bytes.span(), "m.gguf");
  if (!file) return fail(file.error());
  return {};
}

GgufBuilder every_kind() {
  GgufBuilder file;
  file.u8("u8", 255).i8("i8", -1).u16("u16", 65535).i16("i16", -2).u32("u32", 4294967295U).i32("i32", -3);
  file.u64("u64", ~0ULL).i64("i64", -4).f32("f32", 1.5F).f64("f64", -2.5).boolean("yes", 1).boolean("no", 0);
  file.string("text", "words").strings("strings", {"a", "", "bc"}).i32s("i32s", {1, -1});
  file.f32_tensor("w", {2, 3}).tensor("q", 8, {2, 32}, std::string(68, '\x11')).tensor("scalar", 0, {}, "abcd");
  return file;
}

TEST(Gguf, ReadsEveryKindOfMetadata) {
  for (const std::uint32_t version : {2U, 3U}) {
    const ExactBytes bytes(every_kind().version(version).build());
    const auto file = GgufFile::parse(bytes.span(), "m");
    ASSERT_TRUE(file) << file.error().message();
    EXPECT_EQ(file->version(), version);
    EXPECT_EQ(file->get_int("u8").value(), 255);
    EXPECT_EQ(file->get_int("i8").value(), -1);
    EXPECT_EQ(file->get_int("u16").value(), 65535);
    EXPECT_EQ(file->get_int("i16").value(), -2);
    EXPECT_EQ(file->get_int("u32").value(), 4294967295);
    EXPECT_EQ(file->get_int("i32").value(), -3);
    EXPECT_EQ(file->get_int("i64").value(), -4);
    EXPECT_EQ(file->get_number("f32").value(), 1.5);
    EXPECT_EQ(file->get_number("f64").value(), -2.5);
    EXPECT_EQ(file->get_number("i8").value(), -1.0);
    EXPECT_EQ(file->get_number("u64").value(), 0x1p64);
    EXPECT_EQ(file->get_bool("yes").value(), true);
    EXPECT_EQ(file->get_bool("no").value(), false);
    EXPECT_EQ(file->get_string("text").value(), "words");
    const GgufArray* strings = file->get_array("strings").value();
    EXPECT_EQ(strings->strings, (std::vector<std::string_view>{"a", "", "bc"}));
    EXPECT_EQ(strings->size, 3U);
    EXPECT_EQ(file->get_array("i32s").value()->integers, (std::vector<std::int64_t>{1, -1}));
  }
}

TEST(Gguf, LookUpsOfTheWrongKindNameTheKey) {
  const ExactBytes bytes(every_kind().build());
  const auto file = GgufFile::parse(bytes.span(), "m.gguf");
  ASSERT_TRUE(file);
  expect_error(file->get_int("text"), ErrorCode::kCorrupt, {"m.gguf", "'text'", "integer", "string"});
  expect_error(file->get_int("u64"), ErrorCode::kCorrupt, {"'u64'", "2^63"});
  expect_error(file->get_int("f32"), ErrorCode::kCorrupt, {"'f32'", "float"});
  expect_error(file->get_number("yes"), ErrorCode::kCorrupt, {"'yes'", "boolean"});
  expect_error(file->get_bool("u8"), ErrorCode::kCorrupt, {"'u8'"});
  expect_error(file->get_string("strings"), ErrorCode::kCorrupt, {"array"});
  expect_error(file->get_array("text"), ErrorCode::kCorrupt, {"array"});
  EXPECT_EQ(file->get_int("absent").value(), std::nullopt);
  EXPECT_EQ(file->get_array("absent").value(), nullptr);
}

TEST(Gguf, TensorsLieWhereTheAlignmentPutsThem) {
  for (const std::uint32_t alignment : {1U, 8U, 32U, 4096U}) {
    GgufBuilder builder;
    builder.alignment(alignment).tensor("a", 24, {5}, "12345").tensor("b", 24, {3}, "678");
    const ExactBytes bytes(builder.build());
    const auto file = GgufFile::parse(bytes.span(), "m");
    ASSERT_TRUE(file) << file.error().message();
    ASSERT_EQ(file->tensors().size(), 2U);
    EXPECT_EQ(std::memcmp(file->tensors()[0].data, "12345", 5), 0);
    EXPECT_EQ(std::memcmp(file->tensors()[1].data, "678", 3), 0);
    EXPECT_TRUE(file->has_tensor_data());
  }
}

TEST(Gguf, DimensionsAreOutermostFirst) {
  const ExactBytes bytes(every_kind().build());
  const auto file = GgufFile::parse(bytes.span(), "m");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->tensors()[0].shape, (Shape{2, 3}));
  EXPECT_EQ(file->tensors()[1].shape, (Shape{2, 32}));
  EXPECT_EQ(file->tensors()[2].shape.rank(), 0U);
}

TEST(Gguf, AShortDataAreaLeavesTheTensorsInItWithoutData) {
  std::string content = every_kind().build();
  content.resize(content.size() - 1);
  const ExactBytes bytes(content);
  const auto file = GgufFile::parse(bytes.span(), "m");
  ASSERT_TRUE(file);
  EXPECT_FALSE(file->has_tensor_data());
  EXPECT_NE(file->tensors()[0].data, nullptr);
  EXPECT_EQ(file->tensors()[2].data, nullptr);
}

std::string number_bytes(std::uint64_t value, std::size_t size) {
  std::string bytes(size, '\0');
  std::memcpy(bytes.data(), &value, size);
  return bytes;
}

// An array's value: element type, count, elements.
std::string array_bytes(std::uint32_t type, std::uint64_t count, std::string_view elements) {
  return number_bytes(type, 4) + number_bytes(count, 8) + std::string(elements);
}

struct WrongGguf {
  const char* name;
  std::string content;
  ErrorCode code;
  std::initializer_list<std::string_view> says;
};

TEST(Gguf, RefusesWhatIsWrongAndSaysWhat) {
  const auto builder = [] { return GgufBuilder(); };
  const std::string long_name(65536, 'k');
  const WrongGguf cases[] = {
      {"empty", "", ErrorCode::kCorrupt, {"m.gguf", "first four bytes"}},
      {"other file", "PK\x03\x04 and so on", ErrorCode::kCorrupt, {"not a GGUF file"}},
      {"Git LFS pointer",
       "version https://git-lfs.github.com/spec/v1\noid sha256:" + std::string(64, 'a') + "\nsize 123\n",
       ErrorCode::kCorrupt,
       {"Git LFS pointer"}},
      {"version 1", builder().version(1).build(), ErrorCode::kUnsupported, {"version 1", "2 and 3"}},
      {"version 4", builder().version(4).build(), ErrorCode::kUnsupported, {"version 4"}},
      {"big-endian", builder().version(0x03000000).build(), ErrorCode::kUnsupported, {"big-endian"}},
      {"many pairs",
       builder().claim_pairs(~0ULL).build(),
       ErrorCode::kCorrupt,
       {"18446744073709551615 metadata pairs"}},
      {"many tensors", builder().claim_tensors(~0ULL).build(), ErrorCode::kCorrupt, {"18446744073709551615 tensors"}},
      {"one pair too many", every_kind().claim_pairs(30).build(), ErrorCode::kCorrupt, {"m.gguf"}},
      {"one tensor too many", every_kind().claim_tensors(4).build_header(), ErrorCode::kCorrupt, {"entry 3"}},
      {"twice the same key", builder().u8("k", 1).u8("k", 2).build(), ErrorCode::kCorrupt, {"'k' appears twice"}},
      {"long key", builder().u8(long_name, 1).build(), ErrorCode::kCorrupt, {"65536 bytes"}},
      {"unknown type", builder().raw("k", 13, "xxxxxxxx").build(), ErrorCode::kCorrupt, {"'k'", "type 13"}},
      {"a boolean of 2", builder().boolean("k", 2).build(), ErrorCode::kCorrupt, {"'k'", "boolean"}},
      {"long string", builder().raw("k", 8, number_bytes(~0ULL, 8)).build(), ErrorCode::kCorrupt, {"'k'", "truncated"}},
      {"string of 2^63", builder().raw("k", 8, number_bytes(1ULL << 63, 8)).build(), ErrorCode::kCorrupt, {"'k'"}},
      {"array of arrays",
       builder().raw("k", 9, array_bytes(9, 1, array_bytes(0, 1, "x"))).build(),
       ErrorCode::kUnsupported,
       {"'k'", "array of arrays"}},
      {"array of unknown",
       builder().raw("k", 9, array_bytes(77, 1, "xxxxxxxx")).build(),
       ErrorCode::kCorrupt,
       {"'k'", "77"}},
      {"endless array",
       builder().raw("k", 9, array_bytes(0, ~0ULL, "xx")).build(),
       ErrorCode::kCorrupt,
       {"'k'", "18446744073709551615 elements"}},
      {"endless strings",
       builder().raw("k", 9, array_bytes(8, 1ULL << 61, "xx")).build(),
       ErrorCode::kCorrupt,
       {"'k'"}},
      {"endless doubles",
       builder().raw("k", 9, array_bytes(12, (1ULL << 61) + 1, "12345678")).build(),
       ErrorCode::kCorrupt,
       {"'k'"}},
      {"u64 array beyond int64",
       builder().raw("k", 9, array_bytes(10, 1, number_bytes(~0ULL, 8))).build(),
       ErrorCode::kCorrupt,
       {"'k'", "2^63"}},
      {"array with a boolean of 2",
       builder().raw("k", 9, array_bytes(7, 1, "\x02")).build(),
       ErrorCode::kCorrupt,
       {"'k'", "boolean"}},
      {"alignment 0", builder().u32("general.alignment", 0).build(), ErrorCode::kCorrupt, {"general.alignment"}},
      {"alignment 24", builder().u32("general.alignment", 24).build(), ErrorCode::kCorrupt, {"power of two", "24"}},
      {"alignment 2^31", builder().u32("general.alignment", 1U << 31).build(), ErrorCode::kCorrupt, {"2147483648"}},
      {"negative alignment", builder().i32("general.alignment", -32).build(), ErrorCode::kCorrupt, {"-32"}},
      {"alignment as text", builder().string("general.alignment", "32").build(), ErrorCode::kCorrupt, {"integer"}},
      {"five dimensions",
       builder().tensor("w", 0, {1, 1, 1, 1, 1}, "abcd").build(),
       ErrorCode::kCorrupt,
       {"'w'", "5 dimensions"}},
      {"dimension 0", builder().tensor("w", 0, {2, 0}, "").build(), ErrorCode::kCorrupt, {"'w'", "dimension of 0"}},
      {"dimension 2^63", builder().tensor("w", 0, {1ULL << 63}, "").build(), ErrorCode::kCorrupt, {"'w'"}},
      {"elements overflow",
       builder().tensor("w", 0, {1ULL << 32, 1ULL << 32}, "").build(),
       ErrorCode::kCorrupt,
       {"'w'", "64 bits"}},
      {"bytes overflow", builder().tensor("w", 28, {(1ULL << 63) - 1}, "").build(), ErrorCode::kCorrupt, {"'w'"}},
      {"type of no number", builder().tensor("w", 1000, {32}, "").build(), ErrorCode::kCorrupt, {"'w'", "1000"}},
      {"type not read",
       builder().tensor("w", 16, {256}, "").build(),
       ErrorCode::kUnsupported,
       {"'w'", "IQ2_XXS", "Q4_K"}},
      {"half a block",
       builder().tensor("w", 12, {3, 100}, "").build(),
       ErrorCode::kCorrupt,
       {"'w'", "[3, 100]", "256"}},
      {"off the alignment",
       builder().tensor_at("w", 0, {2}, 4).build(),
       ErrorCode::kCorrupt,
       {"'w'", "offset 4", "32"}},
      {"offset and size overflow",
       builder().tensor_at("w", 0, {8}, ~0ULL - 31).build(),
       ErrorCode::kCorrupt,
       {"'w'", "64 bits"}},
      {"overlap",
       builder().tensor_at("a", 0, {16}, 0).tensor_at("b", 0, {16}, 32).build(),
       ErrorCode::kCorrupt,
       {"'a'", "'b'", "overlap"}},
      {"same place",
       builder().tensor_at("a", 0, {8}, 32).tensor_at("b", 0, {8}, 32).build(),
       ErrorCode::kCorrupt,
       {"overlap"}},
      {"twice the same tensor",
       builder().tensor_at("a", 0, {8}, 0).tensor_at("a", 0, {8}, 32).build(),
       ErrorCode::kCorrupt,
       {"'a' appears twice"}},
      {"a name with an escape",
       builder().tensor("\x1b[2J", 1000, {32}, "").build(),
       ErrorCode::kCorrupt,
       {R"('\x1b[2J')"}},
  };
  for (const WrongGguf& wrong : cases) {
    SCOPED_TRACE(wrong.name);
    expect_error(parse_status(wrong.content), wrong.code, wrong.says);
  }
}

TEST(Gguf, EveryTruncationOfTheHeaderIsAnError) {
  for (const GgufBuilder& builder : {every_kind(), tiny_gguf()}) {
    const std::string header = builder.build_header();
    ASSERT_TRUE(parse_status(header));
    for (std::size_t size = 0; size < header.size(); ++size) {
      EXPECT_FALSE(parse_status(std::string_view(header).substr(0, size))) << size;
    }
  }
}

TEST(Gguf, EveryBitFlipIsAnErrorOrAConsistentFile) {
  const std::string whole = every_kind().build();
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    const ExactBytes bytes(flipped);
    const auto file = GgufFile::parse(bytes.span(), "m");
    if (!file) continue;
    unsigned sum = 0;
    for (const GgufTensor& tensor : file->tensors()) {
      ASSERT_EQ(tensor_bytes(tensor.dtype, tensor.shape), tensor.bytes);
      if (!tensor.data) {
        EXPECT_FALSE(file->has_tensor_data());
        continue;
      }
      for (std::uint64_t i = 0; i < tensor.bytes; ++i) sum += std::to_integer<unsigned>(tensor.data[i]);
    }
    EXPECT_GE(sum, 0U);
  }
}

TEST(GgufGolden, OneTensorPerType) {
  RETORT_SHARED_OR_SKIP(path, "data/golden/gguf/types.gguf");
  const auto file = GgufFile::open(path);
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->tensors().size(), 14U);
  EXPECT_TRUE(file->has_tensor_data());
  for (const GgufTensor& tensor : file->tensors()) {
    EXPECT_EQ(tensor.shape, (Shape{6, 768})) << tensor.name;
    std::string name(to_string(tensor.dtype));
    for (char& c : name) c = static_cast<char>(std::tolower(c));
    EXPECT_EQ(name, tensor.name);
  }
}

TEST(GgufGolden, PublishedHeaderHasItsFacts) {
  RETORT_SHARED_OR_SKIP(header, "data/golden/r1_distill/qwen_7b_header.gguf.xz");
  RETORT_SHARED_OR_SKIP(facts_path, "data/golden/r1_distill/qwen_7b_header.json");
  const std::string content = testing::read_text(header);
  const auto facts = parse_json(testing::read_text(facts_path), "facts");
  ASSERT_TRUE(facts);
  const ExactBytes bytes(content);
  const auto file = GgufFile::parse(bytes.span(), "r1");
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_FALSE(file->has_tensor_data());
  int compared = 0;
  for (const auto& [key, value] : facts->items()) {
    if (key.find('.') == std::string::npos) continue;
    SCOPED_TRACE(key);
    ++compared;
    if (value.is_string()) {
      EXPECT_EQ(file->get_string(key).value(), value.get<std::string>());
    }
    if (value.is_boolean()) {
      EXPECT_EQ(file->get_bool(key).value(), value.get<bool>());
    }
    if (value.is_number()) {
      EXPECT_EQ(file->get_number(key).value(), value.get<double>());
    }
  }
  EXPECT_EQ(compared, 24);
  const Json& tensors = (*facts)["tensors"];
  ASSERT_EQ(file->tensors().size(), tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const GgufTensor& tensor = file->tensors()[i];
    EXPECT_EQ(tensor.name, tensors[i]["name"].get<std::string>());
    EXPECT_EQ(tensor.offset, tensors[i]["offset"].get<std::uint64_t>());
    EXPECT_EQ(gguf_type_number(tensor.dtype), tensors[i]["type"].get<std::uint32_t>());
    auto dims = tensors[i]["dims"].get<std::vector<std::int64_t>>();
    std::reverse(dims.begin(), dims.end());
    EXPECT_EQ(tensor.shape, *Shape::from(dims));
    EXPECT_EQ(tensor.data, nullptr);
  }
  EXPECT_EQ(file->get_array("tokenizer.ggml.tokens").value()->size, (*facts)["token_count"].get<std::size_t>());
}

TEST(Gguf, ArraysKeepTheSignAndWidthOfTheirElements) {
  const struct {
    std::uint32_t type;
    std::size_t bytes;
    std::int64_t all_ones;
  } kinds[] = {{0, 1, 255}, {1, 1, -1}, {2, 2, 65535}, {3, 2, -1}, {4, 4, 4294967295}, {5, 4, -1}, {11, 8, -1}};
  for (const auto& kind : kinds) {
    SCOPED_TRACE(kind.type);
    const std::string elements = std::string(kind.bytes, '\xff') + '\7' + std::string(kind.bytes - 1, '\0');
    const ExactBytes bytes(GgufBuilder().raw("k", 9, array_bytes(kind.type, 2, elements)).build());
    const auto file = GgufFile::parse(bytes.span(), "m");
    ASSERT_TRUE(file) << file.error().message();
    EXPECT_EQ(file->get_array("k").value()->integers, (std::vector<std::int64_t>{kind.all_ones, 7}));
  }
  const ExactBytes bytes(GgufBuilder()
                             .raw("u64", 9, array_bytes(10, 1, number_bytes(7, 8)))
                             .raw("bool", 9, array_bytes(7, 2, std::string("\1\0", 2)))
                             .raw("f32", 9, array_bytes(6, 1, number_bytes(0x3FC00000, 4)))
                             .raw("f64", 9, array_bytes(12, 1, number_bytes(0xC004000000000000, 8)))
                             .build());
  const auto file = GgufFile::parse(bytes.span(), "m");
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->get_array("u64").value()->integers, std::vector<std::int64_t>{7});
  EXPECT_EQ(file->get_array("bool").value()->integers, (std::vector<std::int64_t>{1, 0}));
  EXPECT_EQ(file->get_array("f32").value()->floats, std::vector<double>{1.5});
  EXPECT_EQ(file->get_array("f64").value()->floats, std::vector<double>{-2.5});
}

// A u8 takes eight times its bytes in memory: that the file is long enough is not yet a reason to read it.
TEST(Gguf, AnArrayThatTheFileHoldsMayStillBeTooLong) {
  const std::size_t count = (std::size_t{1} << 25) + 1;
  expect_error(parse_status(GgufBuilder().raw("k", 9, array_bytes(0, count, std::string(count, 'x'))).build()),
               ErrorCode::kCorrupt, {"'k'", "33554433 elements", "33554432"});
}

}  // namespace
}  // namespace retort
