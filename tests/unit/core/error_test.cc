#include "core/error.h"

#include <gtest/gtest.h>

namespace retort {
namespace {

Expected<int> half(int n) {
  if (n % 2 != 0) return fail(ErrorCode::kInvalidArgument, "{} is odd", n);
  return n / 2;
}

Expected<int> quarter(int n) {
  RETORT_TRY(const int once, half(n));
  RETORT_TRY(const int twice, half(once));
  return twice;
}

TEST(Error, TryGivesTheValueOrReturnsTheError) {
  EXPECT_EQ(quarter(12).value(), 3);
  const auto failed = quarter(6);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message(), "3 is odd");
  EXPECT_EQ(failed.error().code(), ErrorCode::kInvalidArgument);
}

TEST(Error, WithinPutsTheContextFirst) {
  EXPECT_EQ(Error(ErrorCode::kIo, "disk full").within("a.bin").message(), "a.bin: disk full");
}

}  // namespace
}  // namespace retort
