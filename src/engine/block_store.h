// The blocks themselves, without knowing whose they are: which are free, which are idle (cached, without a user), which
// are used. Lists run through the blocks' own records, so that no operation allocates or searches.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace retort {

/// A block of the pool's memory: the keys and values of one layer for kv_block_positions() positions. Ids count through
/// the size classes: those of class 0 first, then those of class 1.
using BlockId = std::int32_t;
constexpr BlockId kNoBlock = -1;

/// One logical block of the prefix cache (engine/prefix_index.h).
using EntryId = std::int32_t;
constexpr EntryId kNoEntry = -1;

/// Not thread-safe. All operations are O(1).
class BlockStore {
 public:
  struct Block {
    std::int32_t references = 0;  ///< cells of block tables that name it
    std::int32_t layer = -1;      ///< whose keys and values it holds; -1: free
    EntryId entry = kNoEntry;     ///< the cached logical block it is part of
    std::int32_t size_class = 0;
    enum class State : std::int8_t { kFree, kIdle, kUsed } state = State::kFree;
    bool sealed = false;  ///< has been cached while used: it is full, never written again and may be shared
    BlockId previous = kNoBlock, next = kNoBlock;
  };

  /// All blocks are free.
  explicit BlockStore(std::span<const std::int64_t> class_blocks);

  [[nodiscard]] Block& operator[](BlockId id) { return blocks_[id]; }
  [[nodiscard]] const Block& operator[](BlockId id) const { return blocks_[id]; }
  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(blocks_.size()); }
  [[nodiscard]] std::int64_t classes() const { return static_cast<std::int64_t>(classes_.size()); }
  [[nodiscard]] std::int64_t free_count(std::int64_t size_class) const { return classes_[size_class].free.count; }
  [[nodiscard]] std::int64_t idle_count(std::int64_t size_class) const { return classes_[size_class].idle.count; }
  [[nodiscard]] std::int64_t class_size(std::int64_t size_class) const { return classes_[size_class].blocks; }

  /// A free block, used from now on by one cell; kNoBlock if there is none.
  BlockId take(std::int64_t size_class, std::int32_t layer);
  /// Another cell names this idle or used block.
  void reference(BlockId id);
  /// A cell no longer names it. Without a cell it is idle if it is cached, as the one used last, and free otherwise.
  void dereference(BlockId id);
  /// It is no longer cached: free, if it was idle.
  void uncache(BlockId id);
  /// The idle block that was used least recently, or kNoBlock.
  [[nodiscard]] BlockId oldest_idle(std::int64_t size_class) const { return classes_[size_class].idle.head; }

  /// First block of the list, for check_integrity(); Block::next goes on.
  [[nodiscard]] BlockId first_free(std::int64_t size_class) const { return classes_[size_class].free.head; }

 private:
  struct List {
    BlockId head = kNoBlock, tail = kNoBlock;
    std::int64_t count = 0;
  };
  struct SizeClass {
    std::int64_t blocks = 0;
    List free, idle;
  };
  void append(List& list, BlockId id);
  void remove(List& list, BlockId id);
  void make_free(BlockId id);

  std::vector<Block> blocks_;
  std::vector<SizeClass> classes_;
};

}  // namespace retort
