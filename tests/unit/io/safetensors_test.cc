// Reading safetensors: right files, and every way in which one can be wrong.
#include "io/safetensors.h"

#include <cstring>
#include <gtest/gtest.h>

#include "testing/exact_bytes.h"
#include "testing/expect_error.h"
#include "testing/shared_data.h"
#include "testing/temp_dir.h"

namespace retort {
namespace {

using ::retort::testing::ExactBytes;
using ::retort::testing::expect_error;
using ::retort::testing::TempDir;

std::string make_file(std::string_view header, std::size_t data_bytes, std::optional<std::uint64_t> length = {}) {
  const std::uint64_t claimed = length.value_or(header.size());
  std::string out(8, '\0');
  std::memcpy(out.data(), &claimed, 8);
  out.append(header);
  for (std::size_t i = 0; i < data_bytes; ++i) out.push_back(static_cast<char>(i + 1));
  return out;
}

Expected<Safetensors> parse(std::string_view content) {
  const ExactBytes bytes(content);
  return parse_safetensors(bytes.span(), "m.safetensors");  // its views must not be read any more
}

// Header and data of three tensors, 4 + 24 + 2 bytes.
std::string three_tensors() {
  return make_file(R"({"__metadata__":{"format":"pt"},)"
                   R"("a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},)"
                   R"("b":{"dtype":"F32","shape":[2,3],"data_offsets":[4,28]},)"
                   R"("c":{"dtype":"I8","shape":[2,1],"data_offsets":[28,30]}})",
                   30);
}

TEST(Safetensors, ReadsTensorsAndMetadata) {
  const std::string content = three_tensors();
  const ExactBytes bytes(content);
  const auto file = parse_safetensors(bytes.span(), "m");
  ASSERT_TRUE(file) << file.error().message();
  ASSERT_EQ(file->tensors.size(), 3U);
  const TensorView& b = file->tensors.at("b");
  EXPECT_EQ(b.dtype, DType::kF32);
  EXPECT_EQ(b.shape, (Shape{2, 3}));
  EXPECT_EQ(b.bytes, 24U);
  EXPECT_EQ(b.data[0], std::byte{5});
  EXPECT_EQ(file->tensors.at("c").data[1], std::byte{30});
  EXPECT_EQ(file->metadata.at("format"), "pt");
}

TEST(Safetensors, ReadsEveryDtypeAndEmptyTensorsAndScalars) {
  for (const auto* name : {"F64", "F32", "F16", "BF16", "F8_E4M3", "I64", "I32", "I16", "I8", "U8", "BOOL"}) {
    const auto bytes = dtype_info(*dtype_from_name(name)).block_bytes;
    const auto file = parse(make_file(
        fmt::format(R"({{"w":{{"dtype":"{}","shape":[3],"data_offsets":[0,{}]}}}})", name, 3 * bytes), 3 * bytes));
    ASSERT_TRUE(file) << file.error().message();
  }
  EXPECT_TRUE(parse(make_file(R"({"s":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
                              R"("e":{"dtype":"F32","shape":[0,5],"data_offsets":[4,4]}})",
                              4)));
  EXPECT_TRUE(parse(make_file("{}", 0)));
  EXPECT_TRUE(parse(make_file("{}      ", 0))) << "padding with spaces is the format's way to align";
}

struct WrongFile {
  const char* name;
  std::string content;
  ErrorCode code;
  std::initializer_list<std::string_view> says;
};

TEST(Safetensors, RefusesWhatIsWrongAndSaysWhat) {
  const auto one = [](std::string_view fields, std::size_t data = 24) {
    return make_file(fmt::format(R"({{"w":{{{}}}}})", fields), data);
  };
  const std::string ok = R"("dtype":"F32","shape":[2,3],)";
  const WrongFile cases[] = {
      {"empty", "", ErrorCode::kCorrupt, {"m.safetensors", "0 bytes"}},
      {"short", "1234567", ErrorCode::kCorrupt, {"7 bytes"}},
      {"header beyond file", make_file("{}", 0, 3), ErrorCode::kCorrupt, {"claims 3 bytes but 2 follow"}},
      {"header of 2^64-1", make_file("{}", 0, ~0ULL), ErrorCode::kCorrupt, {"18446744073709551615", "100000000"}},
      {"header over the cap", make_file("{}", 0, 100'000'001), ErrorCode::kCorrupt, {"100000001"}},
      {"header at the cap", make_file("{}", 0, 100'000'000), ErrorCode::kCorrupt, {"truncated"}},
      {"not JSON", make_file("{\"w\":", 0), ErrorCode::kCorrupt, {"not valid JSON"}},
      {"empty header", make_file("", 0), ErrorCode::kCorrupt, {"not valid JSON"}},
      {"a list", make_file("[]", 0), ErrorCode::kCorrupt, {"JSON object"}},
      {"not UTF-8", make_file("{\"\xff\":{}}", 0), ErrorCode::kCorrupt, {"not valid JSON"}},
      {"deep", make_file(std::string(100'000, '['), 0), ErrorCode::kCorrupt, {"nested deeper"}},
      {"twice",
       make_file(R"({"w":{"dtype":"U8","shape":[],"data_offsets":[0,1]},)"
                 R"("w":{"dtype":"U8","shape":[],"data_offsets":[0,1]}})",
                 1),
       ErrorCode::kCorrupt,
       {"'w' appears twice"}},
      {"no object", make_file(R"({"w":7})", 0), ErrorCode::kCorrupt, {"'w'", "object"}},
      {"no dtype", one(R"("shape":[2,3],"data_offsets":[0,24])"), ErrorCode::kNotFound, {"'w'", "'dtype'"}},
      {"odd dtype",
       one(R"("dtype":"F8_E5M2","shape":[24],"data_offsets":[0,24])"),
       ErrorCode::kUnsupported,
       {"F8_E5M2", "BF16"}},
      {"GGUF dtype",
       one(R"("dtype":"Q8_0","shape":[32],"data_offsets":[0,34])", 34),
       ErrorCode::kUnsupported,
       {"Q8_0"}},
      {"dtype of no string", one(R"("dtype":1,"shape":[2,3],"data_offsets":[0,24])"), ErrorCode::kCorrupt, {"'dtype'"}},
      {"no shape", one(R"("dtype":"F32","data_offsets":[0,24])"), ErrorCode::kCorrupt, {"'shape'"}},
      {"negative dimension",
       one(R"("dtype":"F32","shape":[-2,3],"data_offsets":[0,24])"),
       ErrorCode::kCorrupt,
       {"dimension"}},
      {"fraction", one(R"("dtype":"F32","shape":[2.5,3],"data_offsets":[0,24])"), ErrorCode::kCorrupt, {"dimension"}},
      {"nine dimensions",
       one(R"("dtype":"F32","shape":[1,1,1,1,1,1,1,1,6],"data_offsets":[0,24])"),
       ErrorCode::kCorrupt,
       {"9 dimensions"}},
      {"elements overflow",
       one(R"("dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,24])"),
       ErrorCode::kCorrupt,
       {"64 bits"}},
      {"bytes overflow",
       one(R"("dtype":"F64","shape":[9223372036854775807],"data_offsets":[0,24])"),
       ErrorCode::kCorrupt,
       {"too many"}},
      {"wrong size",
       one(R"("dtype":"F32","shape":[2,4],"data_offsets":[0,24])"),
       ErrorCode::kCorrupt,
       {"needs 32 bytes", "span 24"}},
      {"no offsets", one(R"("dtype":"F32","shape":[2,3])"), ErrorCode::kCorrupt, {"data_offsets"}},
      {"three offsets", one(ok + R"("data_offsets":[0,24,24])"), ErrorCode::kCorrupt, {"two numbers"}},
      {"negative offset", one(ok + R"("data_offsets":[-24,0])"), ErrorCode::kCorrupt, {"data_offsets"}},
      {"huge offset", one(ok + R"("data_offsets":[0,18446744073709551616])"), ErrorCode::kCorrupt, {"data_offsets"}},
      {"backwards", one(ok + R"("data_offsets":[24,0])"), ErrorCode::kCorrupt, {"end before they begin"}},
      {"beyond the data",
       one(ok + R"("data_offsets":[0,24])", 23),
       ErrorCode::kCorrupt,
       {"end at 24", "23 bytes", "truncated"}},
      {"data left over", one(ok + R"("data_offsets":[0,24])", 25), ErrorCode::kCorrupt, {"end at byte 24", "25"}},
      {"gap at the start", one(ok + R"("data_offsets":[1,25])", 25), ErrorCode::kCorrupt, {"gap"}},
      {"overlap",
       make_file(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                 R"("b":{"dtype":"U8","shape":[4],"data_offsets":[3,7]}})",
                 7),
       ErrorCode::kCorrupt,
       {"'b'", "before"}},
      {"same place",
       make_file(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                 R"("b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})",
                 4),
       ErrorCode::kCorrupt,
       {"before"}},
      {"gap",
       make_file(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                 R"("b":{"dtype":"U8","shape":[4],"data_offsets":[5,9]}})",
                 9),
       ErrorCode::kCorrupt,
       {"'b'", "gap"}},
      {"metadata of no strings", make_file(R"({"__metadata__":{"format":1}})", 0), ErrorCode::kCorrupt, {"'format'"}},
      {"metadata of no object", make_file(R"({"__metadata__":null})", 0), ErrorCode::kCorrupt, {"__metadata__"}},
      {"Git LFS pointer",
       "version https://git-lfs.github.com/spec/v1\noid sha256:" + std::string(64, 'a') + "\nsize 123\n",
       ErrorCode::kCorrupt,
       {"Git LFS pointer", "git lfs pull"}},
  };
  for (const WrongFile& wrong : cases) {
    SCOPED_TRACE(wrong.name);
    expect_error(parse(wrong.content), wrong.code, wrong.says);
  }
}

TEST(Safetensors, EveryTruncationIsAnError) {
  const std::string whole = three_tensors();
  ASSERT_TRUE(parse(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parse(std::string_view(whole).substr(0, size))) << size;
  }
}

TEST(Safetensors, EveryBitFlipIsAnErrorOrAConsistentFile) {
  const std::string whole = three_tensors();
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    const ExactBytes bytes(flipped);
    const auto file = parse_safetensors(bytes.span(), "m");
    if (!file) continue;
    unsigned sum = 0;
    std::uint64_t total = 0;
    for (const auto& [name, view] : file->tensors) {
      EXPECT_EQ(tensor_bytes(view.dtype, view.shape), view.bytes);
      for (std::uint64_t i = 0; i < view.bytes; ++i) sum += std::to_integer<unsigned>(view.data[i]);
      total += view.bytes;
    }
    EXPECT_EQ(total, 30U) << "the tensors tile the data, bit " << bit << ", sum " << sum;
  }
}

TEST(Safetensors, AHostileNameIsShownWithoutItsControlCharacters) {
  const auto file = parse(make_file(R"({"\u001b[2Jw":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4));
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().message().find('\x1b'), std::string::npos);
}

TEST(Safetensors, OpenNamesThePath) {
  expect_error(open_safetensors("/nonexistent/m.safetensors"), ErrorCode::kNotFound, {"/nonexistent/m.safetensors"});
  expect_error(open_safetensors("/tmp"), ErrorCode::kIo, {"/tmp", "not a regular file"});
}

TEST(SafetensorsGolden, ExpectedLogitsHaveTheirShapes) {
  RETORT_SHARED_OR_SKIP(path, "data/golden/tiny/plain/expected.safetensors");
  const auto file = open_safetensors(path);
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->tensors.at("input_ids").dtype, DType::kI32);
  EXPECT_EQ(file->tensors.at("logits").shape, (Shape{2, 96, 512}));
}

}  // namespace
}  // namespace retort
