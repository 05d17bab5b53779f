#include "io/file_lock.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <gtest/gtest.h>
#include <optional>
#include <thread>

#include "testing/temp_dir.h"

namespace retort {
namespace {

const std::function<bool()> kNever = [] { return false; };

TEST(FileLock, OneAtATime) {
  const testing::TempDir folder;
  const auto path = folder.path() / "x.lock";
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  const auto work = [&] {
    for (int i = 0; i < 3; ++i) {
      const auto lock = FileLock::acquire(path, kNever);
      ASSERT_TRUE(lock);
      const int now = ++inside;
      most = std::max(most.load(), now);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      --inside;
    }
  };
  std::thread first(work);
  std::thread second(work);
  first.join();
  second.join();
  EXPECT_EQ(most, 1);
}

TEST(FileLock, WaitingCanBeStopped) {
  const testing::TempDir folder;
  const auto path = folder.path() / "x.lock";
  const auto held = FileLock::acquire(path, kNever);
  ASSERT_TRUE(held);
  const auto second = FileLock::acquire(path, [] { return true; });
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::kCancelled);
}

TEST(FileLock, ALockFileThatItsHolderDeletedIsNoLock) {
  const testing::TempDir folder;
  const auto path = folder.path() / "x.lock";
  std::optional<FileLock> held;
  {
    auto lock = FileLock::acquire(path, kNever);
    ASSERT_TRUE(lock);
    held.emplace(std::move(*lock));
  }
  // Someone waits on the file; the holder deletes it and lets go: the waiter must lock the new file, not the dead one.
  std::thread waiter([&] {
    const auto lock = FileLock::acquire(path, kNever);
    EXPECT_TRUE(lock);
    EXPECT_TRUE(std::filesystem::exists(path));
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  std::filesystem::remove(path);
  held.reset();
  waiter.join();
}

TEST(FileLock, ErrorsNameThePath) {
  const auto lock = FileLock::acquire("/nonexistent/x.lock", kNever);
  ASSERT_FALSE(lock);
  EXPECT_NE(lock.error().message().find("/nonexistent/x.lock"), std::string::npos);
}

}  // namespace
}  // namespace retort
