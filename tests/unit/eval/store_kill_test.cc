// A run that is killed loses nothing that it was told is kept.
#include <array>
#include <csignal>
#include <gtest/gtest.h>
#include <poll.h>
#include <random>
#include <sys/wait.h>
#include <unistd.h>

#include "core/json.h"
#include "eval/store.h"
#include "testing/temp_dir.h"

namespace retort::eval {
namespace {

const Json& killed_config() {
  static const Json config = {{"task", "t"}};
  return config;
}

// Writes samples until it is killed, and a byte to `acknowledged` behind each that the store has taken.
[[noreturn]] void write_until_killed(const std::filesystem::path& folder, std::int64_t first, int acknowledged) {
  auto store = SampleStore::open(folder, killed_config());
  for (std::int64_t i = first; store; ++i) {
    const Sample sample{.question_id = std::to_string(i), .row = i, .output = std::string(10'000, 'x'), .score = 1};
    if (!store->add(sample) || ::write(acknowledged, "x", 1) != 1) break;
  }
  _exit(1);
}

// Kills a writer `microseconds` after its first sample; how many it had acknowledged.
std::int64_t run_and_kill(const std::filesystem::path& folder, std::int64_t first, int microseconds) {
  std::array<int, 2> ends{};
  EXPECT_EQ(pipe(ends.data()), 0);
  const pid_t child = fork();
  if (child == 0) write_until_killed(folder, first, ends[1]);
  close(ends[1]);
  pollfd ready{.fd = ends[0], .events = POLLIN};
  EXPECT_EQ(poll(&ready, 1, 30'000), 1) << "the writer never began";
  usleep(static_cast<useconds_t>(microseconds));
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "it ended by itself";
  std::int64_t acknowledged = 0;
  std::array<char, 4096> buffer{};
  for (ssize_t n = 0; (n = read(ends[0], buffer.data(), buffer.size())) > 0;) acknowledged += n;
  close(ends[0]);
  return acknowledged;
}

TEST(StoreKill, NoAcknowledgedSampleIsLost) {
  const testing::TempDir folder;
  std::mt19937 random(std::random_device{}());
  std::int64_t kept = 0;
  for (int round = 0; round < 20; ++round) {
    const int microseconds = std::uniform_int_distribution<int>(0, 60'000)(random);
    const std::int64_t acknowledged = run_and_kill(folder.path(), kept, microseconds);
    EXPECT_GT(acknowledged, 0);
    const auto store = SampleStore::open(folder.path(), killed_config());
    ASSERT_TRUE(store.has_value()) << store.error().message();
    const auto samples = store->samples();
    ASSERT_TRUE(samples.has_value()) << samples.error().message();
    const auto count = static_cast<std::int64_t>(samples->size());
    ASSERT_GE(count, kept + acknowledged) << "killed after " << microseconds << " us";
    ASSERT_LE(count, kept + acknowledged + 1) << "one at most was kept and not yet acknowledged";
    for (std::int64_t i = 0; i < count; ++i) {
      ASSERT_EQ((*samples)[static_cast<std::size_t>(i)].question_id, std::to_string(i));
      ASSERT_EQ((*samples)[static_cast<std::size_t>(i)].output.size(), 10'000U);
    }
    kept = count;
  }
  EXPECT_GE(kept, 20);
}

TEST(StoreKill, ASecondProcessIsRefusedWhileTheFirstLives) {
  const testing::TempDir folder;
  const SampleStore store = SampleStore::open(folder.path(), killed_config()).value();
  const pid_t child = fork();
  if (child == 0) {
    const auto second = SampleStore::open(folder.path(), killed_config());
    _exit(!second && second.error().message().find("another process") != std::string::npos ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace retort::eval
