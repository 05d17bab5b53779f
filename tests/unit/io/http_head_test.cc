#include "io/http_head.h"

#include <gtest/gtest.h>
#include <string>

namespace retort {
namespace {

TEST(HttpHead, ReadsWhatIsAskedForWhateverTheCase) {
  HttpHeadReader reader;
  for (const auto* line :
       {"HTTP/2 206 \r\n", "Content-LENGTH: 100\r\n", "content-range: bytes 50-149/150\r\n", "ETag: W/\"abc\"\r\n",
        "x-linked-etag: \"def\"\r\n", "X-Linked-Size: 7\r\n", "X-Repo-Commit: c\r\n", "Retry-After: 3\r\n",
        "Content-Encoding: gzip\r\n", "X-Error-Code: GatedRepo\r\n", "no colon\r\n", "\r\n"}) {
    EXPECT_TRUE(reader.line(line));
  }
  const HttpHead& head = reader.head();
  EXPECT_EQ(head.status, 206);
  EXPECT_EQ(head.content_length, 100u);
  EXPECT_EQ(head.range_first, 50u);
  EXPECT_EQ(head.range_total, 150u);
  EXPECT_EQ(head.etag, "abc");
  EXPECT_EQ(head.linked_etag, "def");
  EXPECT_EQ(head.linked_size, 7u);
  EXPECT_EQ(head.repo_commit, "c");
  EXPECT_EQ(head.retry_after_seconds, 3);
  EXPECT_EQ(head.encoding, "gzip");
  EXPECT_EQ(head.error_code, "GatedRepo");
}

TEST(HttpHead, AStatusLineStartsAnew) {
  HttpHeadReader reader;
  EXPECT_TRUE(reader.line("HTTP/1.1 100 Continue\r\n"));
  EXPECT_TRUE(reader.line("ETag: \"old\"\r\n"));
  EXPECT_TRUE(reader.line("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(reader.head().status, 200);
  EXPECT_EQ(reader.head().etag, "");
}

TEST(HttpHead, NumbersThatAreNoneAreNotRead) {
  HttpHeadReader reader;
  for (const auto* line : {"HTTP/1.1 2x0 OK", "Content-Length: -1", "Content-Range: bytes */150", "Retry-After: soon",
                           "X-Linked-Size: 99999999999999999999999"}) {
    EXPECT_TRUE(reader.line(line));
  }
  EXPECT_EQ(reader.head().status, 0);
  EXPECT_EQ(reader.head().content_length, std::nullopt);
  EXPECT_EQ(reader.head().range_first, std::nullopt);
  EXPECT_EQ(reader.head().retry_after_seconds, std::nullopt);
  EXPECT_EQ(reader.head().linked_size, std::nullopt);
}

TEST(HttpHead, EndlessHeadersEnd) {
  HttpHeadReader reader;
  const std::string line = "X-Filler: " + std::string(1000, 'x') + "\r\n";
  int taken = 0;
  while (reader.line(line) && taken < 1'000'000) ++taken;
  EXPECT_LT(taken, 300);
}

}  // namespace
}  // namespace retort
