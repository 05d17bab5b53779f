// The block pool's behaviours, one by one.
#include "engine/block_pool.h"

#include <gtest/gtest.h>
#include <numeric>

namespace retort {
namespace {

constexpr std::int64_t kPositions = kv_block_positions();

std::vector<std::int32_t> text_of(std::int64_t length, std::int32_t first = 0) {
  std::vector<std::int32_t> ids(length);
  std::iota(ids.begin(), ids.end(), first);
  return ids;
}

class BlockPoolTest : public ::testing::Test {
 protected:
  // Two layers of one class unless a test says otherwise.
  static BlockPoolConfig config(std::int64_t blocks) {
    BlockPoolConfig config;
    config.class_blocks = {blocks};
    config.layer_class = {0, 0};
    return config;
  }
  static BlockPool make(const BlockPoolConfig& config) { return std::move(BlockPool::create(config).value()); }

  // A sequence that has computed `ids` and ended: its full blocks are cached.
  static void compute_and_close(BlockPool& pool, const std::vector<std::int32_t>& ids, const std::string& salt = "",
                                std::int64_t prompt_tokens = 1 << 20) {
    const PoolSlot slot = pool.open(salt, prompt_tokens);
    pool.take_prefix(slot, pool.find_prefix(slot, ids));
    ASSERT_TRUE(pool.allocate(slot, std::ssize(ids)));
    pool.cache_full_blocks(slot, ids, std::ssize(ids));
    pool.release_outside_windows(slot, std::ssize(ids));
    pool.close(slot);
    expect_sound(pool);
  }
  static std::int64_t found(BlockPool& pool, const std::vector<std::int32_t>& ids, const std::string& salt = "",
                            std::int64_t prompt_tokens = 1 << 20) {
    const PoolSlot slot = pool.open(salt, prompt_tokens);
    const std::int64_t tokens = pool.find_prefix(slot, ids).tokens();
    pool.close(slot);
    return tokens;
  }
  static void expect_sound(const BlockPool& pool) {
    const Status status = pool.check_integrity();
    EXPECT_TRUE(status) << status.error().message();
  }
};

TEST_F(BlockPoolTest, AllocatesABlockPerLayerForEvery64Positions) {
  BlockPool pool = make(config(8));
  const PoolSlot slot = pool.open("", 1);
  EXPECT_EQ(pool.free_logical_blocks(), 4);
  ASSERT_TRUE(pool.allocate(slot, kPositions + 1));
  EXPECT_EQ(pool.used_blocks(), 4);
  EXPECT_EQ(pool.block_table(slot, 1).size(), 2U);
  ASSERT_TRUE(pool.allocate(slot, 2 * kPositions));
  EXPECT_EQ(pool.used_blocks(), 4);
  EXPECT_EQ(pool.reachable_tokens(slot), 4 * kPositions);
  expect_sound(pool);
}

TEST_F(BlockPoolTest, AFailedAllocationNamesTheNumbersAndChangesNothing) {
  BlockPool pool = make(config(5));
  const PoolSlot slot = pool.open("", 1);
  ASSERT_TRUE(pool.allocate(slot, 10));
  const Status status = pool.allocate(slot, 3 * kPositions);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::kExhausted);
  EXPECT_NE(status.error().message().find("192 tokens need 2 more blocks"), std::string::npos);
  EXPECT_NE(status.error().message().find("room for 1"), std::string::npos);
  EXPECT_EQ(pool.used_blocks(), 2);
  EXPECT_EQ(pool.block_table(slot, 0).size(), 1U);
  expect_sound(pool);
}

TEST_F(BlockPoolTest, TheScarcerClassDecidesHowMuchFits) {
  BlockPoolConfig two = config(0);
  two.class_blocks = {2, 9};
  two.layer_class = {0, 1, 1};
  BlockPool pool = make(two);
  EXPECT_EQ(pool.free_logical_blocks(), 2);
  const PoolSlot slot = pool.open("", 1);
  ASSERT_TRUE(pool.allocate(slot, 2 * kPositions));
  EXPECT_LT(pool.block_table(slot, 0)[1], 2);
  EXPECT_GE(pool.block_table(slot, 1)[0], 2);
  EXPECT_FALSE(pool.allocate(slot, 2 * kPositions + 1));
  expect_sound(pool);
}

TEST_F(BlockPoolTest, FindsWholeBlocksButNeverTheLastToken) {
  BlockPool pool = make(config(20));
  compute_and_close(pool, text_of(3 * kPositions));
  EXPECT_EQ(found(pool, text_of(3 * kPositions)), 2 * kPositions);
  EXPECT_EQ(found(pool, text_of(3 * kPositions + 1)), 3 * kPositions);
  EXPECT_EQ(found(pool, text_of(2 * kPositions - 1)), kPositions);
  EXPECT_EQ(found(pool, text_of(5 * kPositions, 1)), 0);
}

TEST_F(BlockPoolTest, OnlyComputedBlocksAreFound) {
  BlockPool pool = make(config(20));
  const PoolSlot slot = pool.open("", 1000);
  const auto ids = text_of(3 * kPositions);
  ASSERT_TRUE(pool.allocate(slot, std::ssize(ids)));
  pool.cache_full_blocks(slot, ids, 2 * kPositions - 1);
  EXPECT_EQ(found(pool, ids), kPositions);
}

TEST_F(BlockPoolTest, ABlockBehindAnotherBeginningIsNotFound) {
  BlockPool pool = make(config(20));
  auto ids = text_of(2 * kPositions + 1);
  compute_and_close(pool, ids);
  ids[0] = 7777;
  EXPECT_EQ(found(pool, ids), 0);
}

TEST_F(BlockPoolTest, SaltsDoNotShare) {
  BlockPool pool = make(config(20));
  const auto ids = text_of(kPositions + 1);
  compute_and_close(pool, ids, "mine");
  EXPECT_EQ(found(pool, ids, "mine"), kPositions);
  EXPECT_EQ(found(pool, ids, "yours"), 0);
  EXPECT_EQ(found(pool, ids), 0);
}

TEST_F(BlockPoolTest, CollidingHashesShareNothing) {
  BlockPoolConfig colliding = config(40);
  colliding.hash_mask = 0;
  BlockPool pool = make(colliding);
  const auto ids = text_of(kPositions + 1);
  compute_and_close(pool, ids, "mine");
  EXPECT_EQ(found(pool, ids, "mine"), kPositions);
  EXPECT_EQ(found(pool, ids, "yours"), 0);
  EXPECT_EQ(found(pool, text_of(kPositions + 1, 1), "mine"), 0);
  // Two equal blocks one after the other: the second has another parent.
  std::vector<std::int32_t> twice(2 * kPositions + 1, 5);
  compute_and_close(pool, twice);
  EXPECT_EQ(found(pool, twice), 0);
}

TEST_F(BlockPoolTest, RecipesSeparateBlocksOfPromptAndOutput) {
  BlockPoolConfig two = config(20);
  two.output_recipe = 1;
  BlockPool pool = make(two);
  const auto ids = text_of(3 * kPositions + 1);
  compute_and_close(pool, ids, "", kPositions + 10);
  EXPECT_EQ(found(pool, ids, "", kPositions + 10), 3 * kPositions);
  EXPECT_EQ(found(pool, ids, "", 1000), kPositions);
  EXPECT_EQ(found(pool, ids, "", kPositions + 11), kPositions);
}

TEST_F(BlockPoolTest, WithOneRecipeAnAnswerServesTheNextPrompt) {
  BlockPool pool = make(config(20));
  const auto ids = text_of(3 * kPositions + 1);
  compute_and_close(pool, ids, "", 10);
  EXPECT_EQ(found(pool, ids, "", std::ssize(ids)), 3 * kPositions);
}

TEST_F(BlockPoolTest, AHitUsesTheVeryBlocks) {
  BlockPool pool = make(config(20));
  const auto ids = text_of(2 * kPositions + 1);
  const PoolSlot first = pool.open("", 1000), second = pool.open("", 1000);
  ASSERT_TRUE(pool.allocate(first, std::ssize(ids)));
  pool.cache_full_blocks(first, ids, std::ssize(ids));
  const PrefixHit hit = pool.find_prefix(second, ids);
  EXPECT_EQ(hit.blocks, (std::vector<std::int64_t>{4}));
  EXPECT_EQ(hit.idle, (std::vector<std::int64_t>{0}));
  pool.take_prefix(second, hit);
  EXPECT_EQ(pool.block_table(first, 1)[1], pool.block_table(second, 1)[1]);
  EXPECT_EQ(pool.used_blocks(), 6);
  expect_sound(pool);
  pool.close(first);
  EXPECT_EQ(pool.used_blocks(), 4);
  expect_sound(pool);
}

TEST_F(BlockPoolTest, TheSameTextComputedTwiceIsKeptOnce) {
  BlockPool pool = make(config(20));
  const auto ids = text_of(2 * kPositions);
  const PoolSlot first = pool.open("", 1000), second = pool.open("", 1000);
  for (const PoolSlot slot : {first, second}) ASSERT_TRUE(pool.allocate(slot, std::ssize(ids)));
  EXPECT_EQ(pool.used_blocks(), 8);
  for (const PoolSlot slot : {first, second}) pool.cache_full_blocks(slot, ids, std::ssize(ids));
  EXPECT_EQ(pool.used_blocks(), 4);
  EXPECT_EQ(pool.block_table(first, 0)[1], pool.block_table(second, 0)[1]);
  expect_sound(pool);
}

TEST_F(BlockPoolTest, EvictsTheEndOfAChainBeforeItsStart) {
  BlockPool pool = make(config(8));
  compute_and_close(pool, text_of(4 * kPositions));
  const PoolSlot slot = pool.open("", 1);
  ASSERT_TRUE(pool.allocate(slot, 1));
  EXPECT_EQ(pool.prefix_stats().evictions, 1);
  EXPECT_EQ(found(pool, text_of(5 * kPositions)), 3 * kPositions);
  expect_sound(pool);
}

TEST_F(BlockPoolTest, EvictsWhatWasUsedLongestAgo) {
  BlockPool pool = make(config(6));
  const auto old = text_of(kPositions + 1), newer = text_of(kPositions + 1, 5000);
  compute_and_close(pool, old);
  compute_and_close(pool, newer);
  // Used again: now `newer` is the one to go.
  compute_and_close(pool, old);
  const PoolSlot slot = pool.open("", 1);
  ASSERT_TRUE(pool.allocate(slot, 2 * kPositions));
  EXPECT_EQ(found(pool, old), kPositions);
  EXPECT_EQ(found(pool, newer), 0);
  expect_sound(pool);
}

TEST_F(BlockPoolTest, FreeBlocksGoBeforeCachedOnes) {
  BlockPool pool = make(config(8));
  compute_and_close(pool, text_of(2 * kPositions));
  const PoolSlot slot = pool.open("", 1);
  ASSERT_TRUE(pool.allocate(slot, 2 * kPositions));
  EXPECT_EQ(pool.prefix_stats().evictions, 0);
  EXPECT_EQ(found(pool, text_of(2 * kPositions + 1)), 2 * kPositions);
}

TEST_F(BlockPoolTest, ABlockOfAnotherClassIsFreedWithItsEntry) {
  BlockPoolConfig two = config(0);
  two.class_blocks = {1, 3};
  two.layer_class = {0, 1};
  BlockPool pool = make(two);
  compute_and_close(pool, text_of(kPositions));
  const PoolSlot slot = pool.open("", 1);
  ASSERT_TRUE(pool.allocate(slot, 1));
  EXPECT_EQ(found(pool, text_of(kPositions + 1)), 0);
  EXPECT_EQ(pool.prefix_stats().evictions, 1);
  expect_sound(pool);
}

TEST_F(BlockPoolTest, ReleasesBlocksBeforeAPositionButSinks) {
  BlockPool pool = make(config(20));
  const PoolSlot slot = pool.open("", 1);
  ASSERT_TRUE(pool.allocate(slot, 5 * kPositions));
  pool.release_before(slot, 1, 3 * kPositions + 63, 1);
  const auto table = pool.block_table(slot, 1);
  EXPECT_NE(table[0], kNoBlock);
  EXPECT_EQ(table[1], kNoBlock);
  EXPECT_EQ(table[2], kNoBlock);
  EXPECT_NE(table[3], kNoBlock);
  EXPECT_NE(pool.block_table(slot, 0)[1], kNoBlock);
  EXPECT_EQ(pool.used_blocks(), 8);
  expect_sound(pool);
}

// A window of 65 positions at position p sees p - 64 to p.
TEST_F(BlockPoolTest, AWindowGivesBackWhatItNoLongerSees) {
  BlockPoolConfig windows = config(20);
  windows.layer_windows = {0, 65};
  BlockPool pool = make(windows);
  const PoolSlot slot = pool.open("", 1);
  ASSERT_TRUE(pool.allocate(slot, 3 * kPositions));
  pool.release_outside_windows(slot, 2 * kPositions - 1);
  EXPECT_EQ(pool.used_blocks(), 6);
  pool.release_outside_windows(slot, 2 * kPositions);
  EXPECT_EQ(pool.block_table(slot, 1)[0], kNoBlock);
  EXPECT_NE(pool.block_table(slot, 1)[1], kNoBlock);
  EXPECT_EQ(pool.used_blocks(), 5);
  expect_sound(pool);
}

TEST_F(BlockPoolTest, AHitNeedsOnlyWhatWindowsSeeFromItsEnd) {
  BlockPoolConfig windows = config(10);
  windows.layer_windows = {0, 64};
  BlockPool pool = make(windows);
  const auto ids = text_of(4 * kPositions + 1);
  compute_and_close(pool, ids);
  // The layer with the window gave blocks 2, 1 and 0 back before the end: 2 and 1 are evicted now, and alone.
  const PoolSlot other = pool.open("", 1);
  ASSERT_TRUE(pool.allocate(other, kPositions + 1));
  EXPECT_EQ(pool.prefix_stats().evictions, 0);
  EXPECT_EQ(found(pool, text_of(3 * kPositions + 1)), kPositions);
  EXPECT_EQ(found(pool, ids), 4 * kPositions);
  const PoolSlot slot = pool.open("", 1000);
  const PrefixHit hit = pool.find_prefix(slot, ids);
  EXPECT_EQ(hit.blocks, (std::vector<std::int64_t>{5}));
  pool.take_prefix(slot, hit);
  EXPECT_EQ(pool.block_table(slot, 1)[2], kNoBlock);
  EXPECT_NE(pool.block_table(slot, 1)[3], kNoBlock);
  expect_sound(pool);
}

TEST_F(BlockPoolTest, AWindowNeedsFewerBlocksForALongText) {
  BlockPoolConfig windows = config(14);
  windows.layer_windows = {0, 64};
  EXPECT_TRUE(make(windows).fits_alone(12 * kPositions));
  EXPECT_FALSE(make(windows).fits_alone(12 * kPositions + 1));
  EXPECT_TRUE(make(config(14)).fits_alone(7 * kPositions));
  EXPECT_FALSE(make(config(14)).fits_alone(7 * kPositions + 1));
}

TEST_F(BlockPoolTest, ForgottenBlocksAreNotFound) {
  BlockPool pool = make(config(20));
  const auto ids = text_of(2 * kPositions + 1);
  const PoolSlot slot = pool.open("", 1000);
  ASSERT_TRUE(pool.allocate(slot, std::ssize(ids)));
  pool.cache_full_blocks(slot, ids, std::ssize(ids));
  pool.forget(slot);
  EXPECT_EQ(found(pool, ids), 0);
  pool.close(slot);
  expect_sound(pool);
}

TEST_F(BlockPoolTest, RefusesConfigurationsThatMakeNoSense) {
  BlockPoolConfig bad = config(4);
  bad.layer_class = {0, 1};
  EXPECT_EQ(BlockPool::create(bad).error().code(), ErrorCode::kInvalidArgument);
  bad = config(4);
  bad.layer_windows = {0};
  EXPECT_EQ(BlockPool::create(bad).error().code(), ErrorCode::kInvalidArgument);
  bad = config(-1);
  EXPECT_EQ(BlockPool::create(bad).error().code(), ErrorCode::kInvalidArgument);
  bad = config(4);
  bad.layer_class.clear();
  EXPECT_EQ(BlockPool::create(bad).error().code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace retort
