// Who has which block of the KV cache: a block table per sequence and layer, and the prefix cache, which finds the full
// blocks of a text again. Knows tokens and blocks; the memory behind them is nn/kv_pool.h's.
//
//   slot 3   layer 0:  [ 12 ][ 40 ][  7 ]          logical block i holds positions 64 i to 64 i + 63
//            layer 1:  [ -- ][ 41 ][  9 ]          a layer with a window has given its early block back
//
// A block is free, idle (cached, without a user) or used. Idle blocks make room when no block is free: least recently
// used first, and of a sequence that ended, its end before its start. So what is cached is always a beginning.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"
#include "engine/block_store.h"
#include "engine/prefix_index.h"

namespace retort {

struct BlockPoolConfig {
  std::vector<std::int64_t> class_blocks;  ///< [size classes] how many blocks there are of each size
  std::vector<std::int32_t> layer_class;   ///< [layers] the size of each layer's blocks
  /// [layers] positions that a query sees, its own included; 0: all. Empty: all layers see all.
  std::vector<std::int64_t> layer_windows;
  std::int64_t sink_positions = 0;  ///< the first positions, which layers with a window see as well
  /// Keys the hashes. Chosen at random per process where prompts come from strangers.
  SipHashKey hash_key{};
  /// The arithmetic of prompt and of generated tokens ("The recipe of a token" in docs/engine.md).
  std::uint32_t prompt_recipe = 0;
  std::uint32_t output_recipe = 0;
  std::uint64_t hash_mask = ~std::uint64_t{0};  ///< bits of the hash that count: for tests of collisions
};

/// A sequence's place in the pool. Used again after close().
using PoolSlot = std::int32_t;

/// What find_prefix() found. Valid until the pool changes.
struct PrefixHit {
  std::vector<EntryId> entries;      ///< one per logical block
  std::vector<std::int64_t> blocks;  ///< [size classes] that taking it over would use,
  std::vector<std::int64_t> idle;    ///< [size classes] and those of them that are idle now
  [[nodiscard]] std::int64_t tokens() const { return static_cast<std::int64_t>(entries.size()) * kv_block_positions(); }
};

/// vLLM's prefix_cache_queries and prefix_cache_hits, in tokens.
struct PrefixStats {
  std::int64_t queries = 0;    ///< tokens of sequences that looked for a prefix, once per sequence
  std::int64_t hits = 0;       ///< those of them that were cached
  std::int64_t evictions = 0;  ///< logical blocks that left the cache to make room
};

/// Not thread-safe. Work is O(1) per block that changes hands, looking a prefix up O(layers) per logical block. Slots
/// given to it are open, positions and layers exist: anything else is a mistake of the caller's (RETORT_CHECK).
class BlockPool {
 public:
  /// kInvalidArgument naming the field that makes no sense.
  static Expected<BlockPool> create(BlockPoolConfig config);

  /// A place for a sequence, without blocks. Only texts of equal `cache_salt` share blocks. The first `prompt_tokens`
  /// tokens are computed by the prompt's recipe, the others by the output's.
  PoolSlot open(std::string cache_salt, std::int64_t prompt_tokens);
  /// Gives all blocks back, but keeps the place: the sequence starts again at position 0.
  void release_all(PoolSlot slot);
  /// Gives all blocks and the place back.
  void close(PoolSlot slot);

  /// Room for positions [0, tokens) in every layer. All or nothing: kExhausted naming what is wanted and what there is,
  /// nothing changed.
  Status allocate(PoolSlot slot, std::int64_t tokens);
  /// Layer `layer` will not be asked again for positions from `sink` to below `position`: blocks wholly among them go
  /// back. Full blocks that are cached stay idle.
  void release_before(PoolSlot slot, std::int64_t layer, std::int64_t position, std::int64_t sink);
  /// release_before() for all layers with a window, before a query at `position`.
  void release_outside_windows(PoolSlot slot, std::int64_t position);
  /// [logical blocks] of one layer; kNoBlock where it gave its block back. Valid until the slot changes: in allocate(),
  /// take_prefix(), cache_full_blocks() and the functions that release.
  [[nodiscard]] std::span<const BlockId> block_table(PoolSlot slot, std::int64_t layer) const;

  /// The longest cached beginning of `tokens`, in whole blocks and without the last token, of which every layer has
  /// what it would see from there on.
  [[nodiscard]] PrefixHit find_prefix(PoolSlot slot, std::span<const std::int32_t> tokens) const;
  /// Puts a hit's blocks into the tables of a slot that has none.
  void take_prefix(PoolSlot slot, const PrefixHit& hit);
  /// Counts a sequence's first look for a prefix.
  void count_query(std::int64_t tokens, std::int64_t hits);
  /// Makes the full blocks among the first `computed` of `tokens` findable. A block whose text is cached already gives
  /// way to the cached one, which has the same content.
  void cache_full_blocks(PoolSlot slot, std::span<const std::int32_t> tokens, std::int64_t computed);
  /// No block of this sequence will be found again: its content is not to be trusted.
  void forget(PoolSlot slot);

  /// Logical blocks, one block per layer, that could be allocated now.
  [[nodiscard]] std::int64_t free_logical_blocks() const;
  /// Positions that the slot could have room for, those that it has included.
  [[nodiscard]] std::int64_t reachable_tokens(PoolSlot slot) const;
  /// Whether a sequence that takes `hit` over could be computed up to `tokens` with the blocks that are not used, or
  /// that only slots in `freed` use (too hopeful where these share blocks), windows giving back what they can.
  [[nodiscard]] bool fits(const PrefixHit& hit, std::int64_t tokens, std::span<const PoolSlot> freed) const;
  /// The same for an empty pool: kExhausted naming the blocks wanted and those that exist.
  [[nodiscard]] Status fits_alone(std::int64_t tokens) const;

  [[nodiscard]] const BlockPoolConfig& config() const { return config_; }
  [[nodiscard]] std::int64_t layers() const { return static_cast<std::int64_t>(config_.layer_class.size()); }
  [[nodiscard]] std::int64_t total_blocks() const { return store_.size(); }
  [[nodiscard]] std::int64_t used_blocks() const;
  [[nodiscard]] const PrefixStats& prefix_stats() const { return stats_; }

  /// Compares everything that is written down twice: that every block is exactly one of free, idle and used, reference
  /// counts are the cells that name a block, cached blocks are those that entries name, and only full cached blocks are
  /// shared, in one layer and at one place of the text. kCorrupt naming what does not hold. O(blocks + cells).
  [[nodiscard]] Status check_integrity() const;

 private:
  struct Sequence {
    bool is_open = false;
    std::string salt;
    std::int64_t prompt_tokens = 0;
    std::int64_t logical = 0;                  ///< logical blocks that the tables have cells for
    std::int64_t cached = 0;                   ///< logical blocks that are in the chain
    ChainLink chain;                           ///< behind those
    std::vector<std::vector<BlockId>> tables;  ///< [layers][logical]
    std::vector<std::int64_t> released;        ///< [layers] logical blocks given back, but for sinks
    std::vector<std::int64_t> held;            ///< [size classes] cells that name a block
  };

  explicit BlockPool(BlockPoolConfig config);

  [[nodiscard]] std::int64_t window(std::int64_t layer) const;
  [[nodiscard]] std::int64_t sink_blocks(std::int64_t sink) const;
  [[nodiscard]] std::int64_t first_seen_block(std::int64_t layer, std::int64_t position) const;
  [[nodiscard]] bool sees(std::int64_t layer, std::int64_t logical, std::int64_t position) const;
  [[nodiscard]] std::vector<std::int64_t> blocks_needed(std::int64_t tokens) const;
  [[nodiscard]] std::uint64_t recipe(const Sequence& sequence, std::int64_t logical) const;
  [[nodiscard]] BlockKey block_key(const Sequence& sequence, const ChainLink& parent,
                                   std::span<const std::int32_t> tokens, std::int64_t logical) const;
  Sequence& open_sequence(PoolSlot slot);
  [[nodiscard]] const Sequence& open_sequence(PoolSlot slot) const;
  void clear_cell(Sequence& sequence, std::int64_t layer, std::int64_t logical);
  void set_cell(Sequence& sequence, std::int64_t layer, std::int64_t logical, BlockId block);
  void join_entry(Sequence& sequence, std::int64_t logical, EntryId entry);
  bool has_any_block(const Sequence& sequence, std::int64_t logical) const;
  void evict_one(std::int64_t size_class);
  void drop_entry(EntryId entry);

  struct Count;  ///< what check_integrity() counts
  Status count_cells(Count& count) const;
  Status check_blocks(const Count& count) const;
  Status check_lists() const;
  Status check_entries() const;

  BlockPoolConfig config_;
  std::vector<std::int64_t> class_layers_;  ///< [size classes] layers of each
  BlockStore store_;
  PrefixIndex index_;
  std::vector<Sequence> sequences_;
  std::vector<PoolSlot> closed_;
  PrefixStats stats_;
};

}  // namespace retort
