#include "cli/engine_options.h"

#include <gtest/gtest.h>

namespace retort::cli {
namespace {

TEST(ParseBytes, TakesUnitsAsPowersOf1024) {
  const std::pair<const char*, std::uint64_t> cases[] = {
      {"1", 1},       {"512M", 512ull << 20},        {"4G", 4ull << 30}, {"4GiB", 4ull << 30}, {"4gb", 4ull << 30},
      {"1.5k", 1536}, {"2T", std::uint64_t{2} << 40}};
  for (const auto& [text, bytes] : cases) {
    const auto parsed = parse_bytes(text, "--x");
    ASSERT_TRUE(parsed) << text << ": " << parsed.error().message();
    EXPECT_EQ(*parsed, bytes) << text;
  }
}

TEST(ParseBytes, RefusesTheRestNamingTheOption) {
  for (const char* text : {"", "G", "-1G", "0", "4X", "4GX", "1e30G", "nan", "inf"}) {
    const auto parsed = parse_bytes(text, "--kv-cache-memory");
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(parsed.error().message().find("--kv-cache-memory"), std::string::npos);
  }
}

}  // namespace
}  // namespace retort::cli
