#include "core/pages.h"

#include <cstdint>
#include <gtest/gtest.h>

namespace retort {
namespace {

TEST(Pages, AreZeroedAlignedAndWritable) {
  for (const std::size_t bytes :
       {std::size_t{1}, std::size_t{4096}, (std::size_t{2} << 20) + 1, std::size_t{5} << 20}) {
    const auto pages = Pages::allocate(bytes);
    ASSERT_TRUE(pages) << pages.error().message();
    EXPECT_EQ(pages->size(), bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(pages->data()) % (std::size_t{2} << 20), 0u);
    EXPECT_EQ(pages->data()[0], std::byte{0});
    EXPECT_EQ(pages->data()[bytes - 1], std::byte{0});
    pages->data()[bytes - 1] = std::byte{7};
    EXPECT_EQ(pages->data()[bytes - 1], std::byte{7});
  }
}

TEST(Pages, NothingIsNothing) {
  const auto pages = Pages::allocate(0);
  ASSERT_TRUE(pages);
  EXPECT_EQ(pages->size(), 0u);
  EXPECT_EQ(pages->data(), nullptr);
}

TEST(Pages, MoveHandsTheMemoryOver) {
  auto first = Pages::allocate(100);
  ASSERT_TRUE(first);
  std::byte* const data = first->data();
  Pages second = std::move(*first);
  EXPECT_EQ(second.data(), data);
  Pages third;
  third = std::move(second);
  EXPECT_EQ(third.data(), data);
  EXPECT_EQ(third.size(), 100u);
}

TEST(Pages, MoreThanThereCanBeIsRefusedByItsSize) {
  for (const std::size_t bytes : {~std::size_t{0}, std::size_t{1} << 60}) {
    const auto pages = Pages::allocate(bytes);
    ASSERT_FALSE(pages);
    EXPECT_EQ(pages.error().code(), ErrorCode::kExhausted);
  }
}

}  // namespace
}  // namespace retort
