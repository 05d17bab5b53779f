#include "core/parallel.h"

#include <gtest/gtest.h>
#include <vector>

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

TEST(Parallel, RefusesSenselessThreadCounts) {
  EXPECT_FALSE(set_thread_count(0));
  EXPECT_FALSE(set_thread_count(5000));
}

}  // namespace
}  // namespace retort
