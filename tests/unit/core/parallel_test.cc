#include "core/parallel.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <gtest/gtest.h>
#include <set>
#include <thread>
#include <vector>

#include "core/thread_team.h"

namespace retort {
namespace {

TEST(Parallel, SharesCoverEveryItemOnceInOrder) {
  for (const std::int64_t count : {1, 7, 16, 100, 1001}) {
    for (const std::int64_t grain : {1, 4, 16}) {
      for (const int threads : {1, 2, 3, 8}) {
        std::int64_t next = 0;
        for (int i = 0; i < threads; ++i) {
          const WorkRange range = work_share(count, grain, i, threads);
          EXPECT_EQ(range.begin, next);
          if (range.end != count) {
            EXPECT_EQ(range.end % grain, 0);
          }
          next = range.end;
        }
        EXPECT_EQ(next, count);
      }
    }
  }
}

TEST(Parallel, EveryItemIsDoneOnceByAnyNumberOfThreads) {
  const int before = thread_count();
  for (const int threads : {1, 2, 5}) {
    ASSERT_TRUE(set_thread_count(threads));
    std::vector<int> done(1003, 0);
    parallel_for(1003, 8, [&](WorkRange range) {
      for (std::int64_t i = range.begin; i < range.end; ++i) {
        parallel_for(1, 1, [&](WorkRange) { ++done[i]; });  // nested: on the same thread
      }
    });
    EXPECT_EQ(done, std::vector<int>(1003, 1));
  }
  ASSERT_TRUE(set_thread_count(before));
}

TEST(Parallel, TwoCallersAtOnceBothGetEverythingDone) {
  const auto work = [] {
    for (int round = 0; round < 200; ++round) {
      std::vector<int> done(257, 0);
      parallel_for(257, 1, [&](WorkRange range) {
        for (std::int64_t i = range.begin; i < range.end; ++i) ++done[i];
      });
      ASSERT_EQ(done, std::vector<int>(257, 1));
    }
  };
  std::thread other(work);
  work();
  other.join();
}

TEST(ThreadTeam, EveryChunkOfManyShortJobsIsDoneOnce) {
  ThreadTeam team(3);
  std::vector<int> done(9, 0);
  for (int job = 1; job <= 20'000; ++job) {
    team.run(static_cast<std::uint32_t>(1 + job % 9), [&](std::uint32_t i) { ++done[i]; });
    if (job % 9 == 8) {
      ASSERT_EQ(done[8], (job + 1) / 9);  // the job of 9 chunks: each has been done, and seen to be, when run() returns
    }
  }
  EXPECT_EQ(done[0], 20'000);
}

TEST(ThreadTeam, HelpersThatSleepAreWoken) {
  ThreadTeam team(1);
  for (int job = 0; job < 3; ++job) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // far longer than a helper spins
    std::atomic<int> inside{0};
    // Each of two chunks waits for the other: only two threads can do them.
    team.run(2, [&](std::uint32_t) {
      ++inside;
      while (inside < 2) std::this_thread::yield();
    });
    EXPECT_EQ(inside, 2);
  }
}

TEST(ThreadTeam, TheCallerSleepsThroughALongChunkOfAHelper) {
  ThreadTeam team(1);
  const auto caller = std::this_thread::get_id();
  std::atomic<bool> helped{false};
  std::atomic<int> inside{0};
  team.run(2, [&](std::uint32_t) {
    ++inside;
    while (inside < 2) std::this_thread::yield();
    if (std::this_thread::get_id() == caller) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    helped = true;
  });
  EXPECT_TRUE(helped);
}

TEST(ThreadTeam, ATeamOfNoHelpersWorksAlone) {
  ThreadTeam team(0);
  std::set<std::thread::id> who;
  team.run(5, [&](std::uint32_t) {
    EXPECT_TRUE(ThreadTeam::inside());
    who.insert(std::this_thread::get_id());
  });
  EXPECT_EQ(who, std::set{std::this_thread::get_id()});
  EXPECT_FALSE(ThreadTeam::inside());
}

TEST(ThreadTeam, HelpersTakeNoSignals) {
  ThreadTeam team(1);
  std::atomic<int> inside{0};
  std::atomic<int> blocked{0};
  team.run(2, [&](std::uint32_t) {
    ++inside;
    while (inside < 2) std::this_thread::yield();
    sigset_t set;
    pthread_sigmask(SIG_SETMASK, nullptr, &set);
    blocked += sigismember(&set, SIGINT);
  });
  EXPECT_EQ(blocked, 1);
}

TEST(Parallel, RefusesSenselessThreadCounts) {
  EXPECT_FALSE(set_thread_count(0));
  EXPECT_FALSE(set_thread_count(5000));
}

}  // namespace
}  // namespace retort
