// Rows in the format of a release, made here.
#include "eval/livecodebench.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <zlib.h>

#include "core/json.h"
#include "testing/expect_error.h"

namespace retort::eval {
namespace {

std::string base64_of(std::string_view bytes) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 3; ++j) bits = bits << 8 | (j < left ? static_cast<unsigned char>(bytes[i + j]) : 0);
    for (std::size_t j = 0; j < 4; ++j) out += j <= left ? kLetters[bits >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

// As pickle.dumps(text) of protocol 4 makes it, for texts of 256 bytes and more.
std::string pickled(const std::string& text) {
  std::string out = "\x80\x04\x95";
  const auto number = [&out](std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> 8 * i & 0xFF);
  };
  number(text.size() + 7, 8);
  out += 'X';
  number(text.size(), 4);
  return out + text + "\x94.";
}

std::string packed(const std::string& text) {
  const std::string pickle = pickled(text);
  uLongf size = compressBound(static_cast<uLong>(pickle.size()));
  std::string zipped(size, '\0');
  EXPECT_EQ(compress(reinterpret_cast<Bytef*>(zipped.data()), &size, reinterpret_cast<const Bytef*>(pickle.data()),
                     static_cast<uLong>(pickle.size())),
            Z_OK);
  zipped.resize(size);
  return base64_of(zipped);
}

TEST(LiveCodeBench, PublicAndHiddenTests) {
  const OrderedJson row = {{"public_test_cases", R"([{"input": "1\n", "output": "2", "testtype": "stdin"}])"},
                           {"private_test_cases", packed(R"([{"input": "3\n", "output": "4", "testtype": "stdin"}])")},
                           {"metadata", "{}"}};
  const ContestTests tests = livecodebench_tests(row).value();
  ASSERT_EQ(tests.tests.size(), 2U);
  EXPECT_EQ(tests.tests[1].input, "3\n");
  EXPECT_EQ(tests.tests[1].output, "4");
  EXPECT_EQ(tests.function, "");
}

TEST(LiveCodeBench, FunctionsAreNamed) {
  OrderedJson row = {{"public_test_cases", R"([{"input": "[1]", "output": "2", "testtype": "functional"}])"},
                     {"private_test_cases", "[]"},
                     {"metadata", R"({"func_name": "twice"})"}};
  EXPECT_EQ(livecodebench_tests(row).value().function, "twice");
  row["metadata"] = "{}";
  testing::expect_error(livecodebench_tests(row), ErrorCode::kNotFound, {"metadata", "func_name"});
  row["private_test_cases"] = "[{]";
  testing::expect_error(livecodebench_tests(row), ErrorCode::kCorrupt, {"private_test_cases"});
  row["private_test_cases"] = "!!";
  testing::expect_error(livecodebench_tests(row), ErrorCode::kCorrupt, {"private_test_cases", "base64"});
}

TEST(LiveCodeBench, APickleIsReadAndNeverRun) {
  EXPECT_EQ(text_of_pickle(pickled("[]")).value(), "[]");
  EXPECT_EQ(text_of_pickle("\x80\x04\x8c\x02hi\x94.").value(), "hi");
  // cos\nsystem\n(S'true'\ntR.
  testing::expect_error(text_of_pickle("cos\nsystem\n(S'true'\ntR."), ErrorCode::kUnsupported, {"0x63"});
  testing::expect_error(text_of_pickle(pickled("[]").substr(0, 16)), ErrorCode::kCorrupt, {"cut off"});
  testing::expect_error(text_of_pickle("X\xff\xff\xff\xffhi."), ErrorCode::kCorrupt, {"cut off"});
  testing::expect_error(text_of_pickle("."), ErrorCode::kUnsupported, {"no text"});
  testing::expect_error(text_of_pickle(""), ErrorCode::kCorrupt, {"cut off"});
}

TEST(LiveCodeBench, Base64) {
  for (const char* text : {"", "a", "ab", "abc", "abcd"}) EXPECT_EQ(decode_base64(base64_of(text)).value(), text);
}

}  // namespace
}  // namespace retort::eval
