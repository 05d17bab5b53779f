// Which full blocks hold the keys and values of which beginning of a text.
//
// An entry is one logical block: 64 tokens behind a given beginning, and the physical block of every layer that still
// has it. It is found by a hash chained over (hash of the block before, token ids, recipe, the root's salt). A hash
// only finds a candidate; it counts after its own tokens, recipe and salt compare equal and its parent is the very
// entry that matched before it, by a serial number never used twice. So, by induction from the root, equal hashes of
// unequal texts never share anything.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/block_store.h"
#include "engine/siphash.h"
#include "nn/kv_cache.h"

namespace retort {

/// Where a chain stands: behind its root (serial 0), or behind an entry.
struct ChainLink {
  Hash128 hash;
  std::uint64_t serial = 0;
};

/// What makes a logical block the one that is looked for.
struct BlockKey {
  ChainLink parent;
  std::span<const std::int32_t> tokens;  ///< kv_block_positions() of them
  std::uint64_t recipe = 0;              ///< how the values were computed (BlockPool says which number)
  std::string_view salt;                 ///< of the chain's root; compared at its first block
};

/// Not thread-safe. Operations are O(1) but for erase() and insert(), which are O(layers).
class PrefixIndex {
 public:
  /// `hash_mask`: the bits of a hash that count; other than all ones only in tests, to make hashes collide.
  PrefixIndex(std::int64_t layers, const SipHashKey& key, std::uint64_t hash_mask)
      : layers_(layers), key_(key), hash_mask_(hash_mask) {}

  /// Texts with different salts have nothing in common.
  [[nodiscard]] ChainLink root(std::string_view salt) const;

  struct Found {
    EntryId entry = kNoEntry;     ///< the one that was looked for
    EntryId impostor = kNoEntry;  ///< another one with the same hash: a collision, or one whose parent was evicted
    Hash128 hash;
  };
  [[nodiscard]] Found find(const BlockKey& key) const;

  /// `hash` is what find(key) said, and neither an entry nor an impostor has it. The entry has no blocks yet.
  EntryId insert(const BlockKey& key, const Hash128& hash);
  /// Its blocks have been uncached.
  void erase(EntryId entry);

  /// The block of each layer, kNoBlock where there is none (any more).
  [[nodiscard]] std::span<const BlockId> blocks(EntryId entry) const {
    return {blocks_.data() + entry * layers_, static_cast<std::size_t>(layers_)};
  }
  void set_block(EntryId entry, std::int64_t layer, BlockId block);
  /// Layers that have a block.
  [[nodiscard]] std::int64_t held(EntryId entry) const { return entries_[entry].held; }
  [[nodiscard]] ChainLink link(EntryId entry) const { return {entries_[entry].hash, entries_[entry].serial}; }

  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(by_hash_.size()); }
  /// For check_integrity(): entries are 0 to slots() - 1, those that are live among them.
  [[nodiscard]] EntryId slots() const { return static_cast<EntryId>(entries_.size()); }
  [[nodiscard]] bool live(EntryId entry) const;

 private:
  struct Entry {
    Hash128 hash;
    std::uint64_t serial = 0;  ///< 0: erased
    std::uint64_t parent_serial = 0;
    std::uint64_t recipe = 0;
    std::int64_t held = 0;
    std::string salt;  ///< only at the first block of a chain
    std::array<std::int32_t, kv_block_positions()> tokens;
  };
  struct Hasher {
    std::size_t operator()(const Hash128& hash) const { return hash.low; }
  };

  std::int64_t layers_;
  SipHashKey key_;
  std::uint64_t hash_mask_;
  std::uint64_t last_serial_ = 0;
  std::vector<Entry> entries_;
  std::vector<BlockId> blocks_;  ///< [entries, layers]
  std::vector<EntryId> erased_;  ///< entries to use again
  std::unordered_map<Hash128, EntryId, Hasher> by_hash_;
};

}  // namespace retort
