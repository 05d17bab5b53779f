#include "io/hub_api.h"

#include <gtest/gtest.h>
#include <string>

namespace retort {
namespace {

const std::string kListedCommit(40, 'c');
const std::string kBlob(40, 'b');
const std::string kSha(64, 'a');

std::string listing(const std::string& siblings, const std::string& commit = kListedCommit) {
  return R"({"sha":")" + commit + R"(","siblings":[)" + siblings + "]}";
}

TEST(HubListing, SizesAndHashes) {
  const auto repo =
      parse_hub_repo(listing(R"({"rfilename":"sub/z.bin","size":134,"blobId":")" + kBlob + R"(","lfs":{"sha256":")" +
                             kSha + R"(","size":5000000000}},{"rfilename":"config.json","size":12,"blobId":")" + kBlob +
                             R"("},{"rfilename":"bare"})"));
  ASSERT_TRUE(repo) << repo.error().message();
  EXPECT_EQ(repo->commit, kListedCommit);
  ASSERT_EQ(repo->files.size(), 3u);
  EXPECT_EQ(repo->files[0].path, "bare");
  EXPECT_EQ(repo->files[0].hash, "");
  EXPECT_EQ(repo->files[0].size, std::nullopt);
  EXPECT_EQ(repo->files[1].path, "config.json");
  EXPECT_EQ(repo->files[1].hash, kBlob);
  EXPECT_EQ(repo->files[1].size, 12u);
  EXPECT_EQ(repo->files[2].hash, kSha);
  EXPECT_EQ(repo->files[2].size, 5'000'000'000u);  // the content's, not the pointer's
}

TEST(HubListing, WhatNoHubAnswersIsRefused) {
  const std::string file = R"({"rfilename":"a","size":1,"blobId":")" + kBlob + R"("})";
  for (const std::string& bad : {std::string(),
                                 std::string("<html>"),
                                 std::string("[]"),
                                 std::string("{}"),
                                 std::string("null"),
                                 R"({"sha":")" + kListedCommit + R"("})",
                                 R"({"sha":")" + kListedCommit + R"(","siblings":{}})",
                                 listing(file, "../../../etc"),
                                 listing(file, std::string(40, 'C')),
                                 listing(file + "," + file),
                                 listing("7"),
                                 listing("{}"),
                                 listing(R"({"rfilename":7})"),
                                 listing(R"({"rfilename":"a","size":-1})"),
                                 listing(R"({"rfilename":"a","size":1e300})"),
                                 listing(R"({"rfilename":"a","size":"1"})"),
                                 listing(R"({"rfilename":"a","blobId":"../x"})"),
                                 listing(R"({"rfilename":"a","lfs":{"sha256":"x"}})"),
                                 listing(R"({"rfilename":"a"},{"rfilename":"a-b"},{"rfilename":"a/b"})"),
                                 listing(file).substr(0, 60),
                                 std::string(100'000, '[')}) {
    const auto repo = parse_hub_repo(bad);
    ASSERT_FALSE(repo) << bad.substr(0, 200);
    EXPECT_FALSE(repo.error().message().empty());
  }
}

TEST(HubListing, HostileNamesAreRefused) {
  for (const auto* name :
       {"../x", "/etc/passwd", "a/../../x", "..", "a//b", R"(a\u0000b)", R"(a\nb)", R"(a\u001bb)", ""}) {
    const auto repo = parse_hub_repo(listing(std::string(R"({"rfilename":")") + name + R"("})"));
    ASSERT_FALSE(repo) << name;
    EXPECT_EQ(repo.error().code(), ErrorCode::kCorrupt) << name;
  }
}

TEST(HubUrls, AreEncoded) {
  HubSettings settings;
  settings.endpoint = "https://mirror.example/hf";
  EXPECT_EQ(file_url(settings, "org/name", kListedCommit, "sub/a b#1.json"),
            "https://mirror.example/hf/org/name/resolve/" + kListedCommit + "/sub/a%20b%231.json");
}

TEST(HubUrls, EndpointsMustBeHttp) {
  for (const auto* good :
       {"https://huggingface.co", "http://127.0.0.1:8080", "https://mirror.example/a/b", "http://[::1]:80"}) {
    EXPECT_TRUE(check_endpoint(good)) << good;
  }
  for (const auto* bad : {"", "huggingface.co", "ftp://x", "file:///etc", "https://", "javascript:x", "https://x?y=1",
                          "https://x#y", "https://user:secret@x", "https://user@x"}) {
    const auto status = check_endpoint(bad);
    ASSERT_FALSE(status) << bad;
    EXPECT_EQ(status.error().code(), ErrorCode::kInvalidArgument) << bad;
    EXPECT_EQ(status.error().message().find("secret"), std::string::npos);
  }
}

TEST(HubUrls, OriginsAndWhatIsShown) {
  EXPECT_EQ(url_origin("https://Host.Example/a"), "https://host.example:443");
  EXPECT_EQ(url_origin("http://h:8080"), "http://h:8080");
  EXPECT_NE(url_origin("https://h"), url_origin("http://h"));
  EXPECT_NE(url_origin("https://h:444"), url_origin("https://h"));
  EXPECT_EQ(url_origin("file:///x"), std::nullopt);
  EXPECT_EQ(shown_url("https://user:secret@h/a@b?Signature=secret#x"), "https://h/a@b");
}

}  // namespace
}  // namespace retort
