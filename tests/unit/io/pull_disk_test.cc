// Disks that are full, and folders that cannot be written.
#include <csignal>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "pull_fixture.h"

namespace retort {
namespace {
namespace fs = std::filesystem;

// Files of this process may not grow beyond `bytes` while it lives.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    handler_before_ = std::signal(SIGXFSZ, SIG_IGN);  // so that write() says EFBIG
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_before_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_before_)(int) = nullptr;
};

TEST_F(PullTest, AWriteThatFailsMidwayIsResumedOnceThereIsRoom) {
  serve_model();
  {
    const FileSizeLimit limit(100'000);
    const Error error = failed_pull();
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    EXPECT_NE(error.message().find("more needed for this file"), std::string::npos) << error.message();
    EXPECT_NE(error.message().find("free"), std::string::npos) << error.message();
    expect_nothing_published();
  }
  EXPECT_EQ(fs::file_size(weights_partial()), 100'000u);
  expect_complete(pull_model());
  EXPECT_EQ(hub_.requests("/cdn/model.safetensors").at(1).range_from(), 100'000u);
}

// A disk of 1 MiB, which only root may have.
class SmallDiskTest : public PullTest {
 protected:
  ~SmallDiskTest() override {
    if (mounted_) umount2(cache_.path().c_str(), MNT_DETACH);
  }
  [[nodiscard]] bool mount_small() {
    mounted_ = mount("retort-test", cache_.path().c_str(), "tmpfs", 0, "size=1m") == 0;
    return mounted_;
  }
  bool mounted_ = false;
};

TEST_F(SmallDiskTest, TooLittleRoomIsSeenBeforehand) {
  if (!mount_small()) GTEST_SKIP() << "cannot mount a small disk (needs root and CAP_SYS_ADMIN)";
  serve_model(3'000'000);
  const Error error = failed_pull();
  EXPECT_EQ(error.code(), ErrorCode::kIo);
  EXPECT_NE(error.message().find("not enough space"), std::string::npos) << error.message();
  EXPECT_NE(error.message().find("(3000022 bytes) needed"), std::string::npos) << error.message();
  EXPECT_TRUE(hub_.requests("resolve").empty());
}

TEST_F(SmallDiskTest, ADiskThatFillsUpMeanwhile) {
  if (!mount_small()) GTEST_SKIP() << "cannot mount a small disk (needs root and CAP_SYS_ADMIN)";
  serve_model(900'000);
  hub_.hook("/cdn/", 1, [&](const testing::HubHttpRequest&, testing::HubHttpResponse&) {
    cache_.write("other", std::string(500'000, 'x'));
  });
  const Error error = failed_pull();
  EXPECT_EQ(error.code(), ErrorCode::kIo);
  EXPECT_NE(error.message().find("the disk is full"), std::string::npos) << error.message();
  EXPECT_NE(error.message().find("more needed for this file, 0 B (0 bytes) free"), std::string::npos)
      << error.message();
  expect_nothing_published();
  const auto partial = fs::file_size(weights_partial());
  EXPECT_GT(partial, 100'000u);
  fs::remove(cache_.path() / "other");
  expect_complete(pull_model());
  EXPECT_EQ(hub_.requests("/cdn/").at(1).range_from(), partial);
}

TEST_F(PullTest, ACacheThatCannotBeMade) {
  serve_model();
  auto with = settings();
  with.cache = cache_.write("file", "in the way") / "hub";
  const auto result = pull(with, request(), nullptr, cancel_);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::kIo);
  EXPECT_NE(result.error().message().find(with.cache.string()), std::string::npos) << result.error().message();
}

}  // namespace
}  // namespace retort
