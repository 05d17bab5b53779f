#include "io/hub_names.h"

#include <gtest/gtest.h>
#include <string>

#include "io/hub.h"

namespace retort {
namespace {
using std::string_literals::operator""s;

TEST(HubNames, RepoIds) {
  for (const auto* good : {"org/name", "Qwen/Qwen2.5-0.5B-Instruct", "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B", "a/b",
                           "_x/y_", "0/1.2"}) {
    EXPECT_TRUE(looks_like_repo_id(good)) << good;
  }
  const std::string long_part(97, 'a');
  for (const std::string& bad : {""s,
                                 "name"s,
                                 "/name"s,
                                 "org/"s,
                                 "a/b/c"s,
                                 "../name"s,
                                 "org/.."s,
                                 "./name"s,
                                 ".org/name"s,
                                 "org/.name"s,
                                 "org/name-"s,
                                 "-org/name"s,
                                 "org/na--me"s,
                                 "org/na..me"s,
                                 "org/name.git"s,
                                 "org/na me"s,
                                 "org/na\0me"s,
                                 "org/n\xc3\xa4me"s,
                                 "~/name"s,
                                 "org\\name"s,
                                 "org/" + long_part,
                                 long_part + "/name",
                                 "org/name\n"s,
                                 "C:/name"s}) {
    EXPECT_FALSE(looks_like_repo_id(bad)) << shown_name(bad);
  }
}

TEST(HubNames, Revisions) {
  for (const auto* good : {"main", "v1.0", "refs/pr/12", "feature/x-y_z", "0123456789abcdef0123456789abcdef01234567"}) {
    EXPECT_TRUE(check_revision(good)) << good;
  }
  for (const std::string& bad : {""s, ".."s, "../main"s, "a/../b"s, "/main"s, "main/"s, "a//b"s, "a b"s, "a\nb"s,
                                 "a\0b"s, ".hidden"s, "x.lock"s, "a@{1}"s, "a~1"s, "-x"s, std::string(256, 'a')}) {
    const auto status = check_revision(bad);
    ASSERT_FALSE(status) << shown_name(bad);
    EXPECT_EQ(status.error().code(), ErrorCode::kInvalidArgument);
  }
}

TEST(HubNames, RepoPaths) {
  for (const std::string& good : {"config.json"s, "sub/folder/a b.json"s, "..a/b.."s, "n\xc3\xa4me.json"s,
                                  ".gitattributes"s, "..\\x"s, std::string(255, 'a')}) {
    EXPECT_TRUE(check_repo_path(good)) << good;
  }
  for (const std::string& bad : {""s, "../x"s, "a/../../x"s, ".."s, "."s, "a/./b"s, "/etc/passwd"s, "a//b"s, "a/"s,
                                 "a\0b"s, "a\nb"s, "a\x1b[2J"s, "a\x7f"s, std::string(256, 'a'), [] {
                                   std::string path = "a";
                                   while (path.size() < 1100) path += "/a";
                                   return path;
                                 }()}) {
    const auto status = check_repo_path(bad);
    ASSERT_FALSE(status) << shown_name(bad);
    EXPECT_EQ(status.error().code(), ErrorCode::kCorrupt);
    for (const char c : status.error().message()) EXPECT_GE(static_cast<unsigned char>(c), 0x20);
  }
}

TEST(HubNames, Hashes) {
  EXPECT_TRUE(is_git_hash("0123456789abcdef0123456789abcdef01234567"));
  EXPECT_FALSE(is_git_hash("0123456789ABCDEF0123456789abcdef01234567"));
  EXPECT_FALSE(is_git_hash("0123456789abcdef0123456789abcdef0123456"));
  EXPECT_TRUE(is_sha256(std::string(64, 'f')));
  EXPECT_FALSE(is_sha256(std::string(64, 'g')));
  EXPECT_TRUE(is_blob_name("abc-1.2"));
  for (const auto* bad : {"", "..", ".x", "a/b", "a b", "\"a\"", "W/\"a\""}) EXPECT_FALSE(is_blob_name(bad)) << bad;
}

TEST(HubNames, UrlEncoding) {
  EXPECT_EQ(url_encoded("sub/a b#?%.json", Slash::kKeep), "sub/a%20b%23%3F%25.json");
  EXPECT_EQ(url_encoded("refs/pr/1", Slash::kEncode), "refs%2Fpr%2F1");
  EXPECT_EQ(url_encoded("\xc3\xa4", Slash::kKeep), "%C3%A4");
}

TEST(HubNames, ShownNamesAreSafeForATerminalAndShort) {
  EXPECT_EQ(shown_name("a\x1b[2J"s + "\0"s), "a\\x1b[2J\\x00");
  EXPECT_LT(shown_name(std::string(5000, 'a')).size(), 100u);
}

}  // namespace
}  // namespace retort
