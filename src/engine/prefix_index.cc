#include "engine/prefix_index.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"

namespace retort {
namespace {

struct HashedBlock {
  Hash128 parent;
  std::uint64_t recipe;
  std::array<std::int32_t, kv_block_positions()> tokens;
};
static_assert(sizeof(HashedBlock) == 24 + 4 * kv_block_positions(), "padding would be hashed too");

}  // namespace

ChainLink PrefixIndex::root(std::string_view salt) const {
  return {siphash128(std::as_bytes(std::span(salt)), key_), 0};
}

PrefixIndex::Found PrefixIndex::find(const BlockKey& key) const {
  HashedBlock block;
  RETORT_CHECK(key.tokens.size() == block.tokens.size(), "a block of {} tokens", key.tokens.size());
  block.parent = key.parent.hash;
  block.recipe = key.recipe;
  std::copy(key.tokens.begin(), key.tokens.end(), block.tokens.begin());
  Found found;
  found.hash = siphash128(std::as_bytes(std::span(&block, 1)), key_);
  found.hash = {found.hash.low & hash_mask_, found.hash.high & hash_mask_};
  const auto at = by_hash_.find(found.hash);
  if (at == by_hash_.end()) return found;
  const Entry& entry = entries_[at->second];
  const bool same = entry.parent_serial == key.parent.serial && entry.recipe == key.recipe &&
                    entry.tokens == block.tokens && (key.parent.serial != 0 || entry.salt == key.salt);
  (same ? found.entry : found.impostor) = at->second;
  return found;
}

EntryId PrefixIndex::insert(const BlockKey& key, const Hash128& hash) {
  EntryId id;
  if (erased_.empty()) {
    id = static_cast<EntryId>(entries_.size());
    entries_.emplace_back();
    blocks_.resize(blocks_.size() + layers_);
  } else {
    id = erased_.back();
    erased_.pop_back();
  }
  Entry& entry = entries_[id];
  entry.hash = hash;
  entry.serial = ++last_serial_;
  entry.parent_serial = key.parent.serial;
  entry.recipe = key.recipe;
  entry.held = 0;
  if (key.parent.serial == 0) entry.salt = key.salt;
  std::copy(key.tokens.begin(), key.tokens.end(), entry.tokens.begin());
  std::fill_n(blocks_.begin() + id * layers_, layers_, kNoBlock);
  const bool inserted = by_hash_.emplace(hash, id).second;
  RETORT_CHECK(inserted, "two entries with one hash");
  return id;
}

void PrefixIndex::erase(EntryId entry) {
  by_hash_.erase(entries_[entry].hash);
  entries_[entry].serial = 0;
  std::string().swap(entries_[entry].salt);
  std::fill_n(blocks_.begin() + entry * layers_, layers_, kNoBlock);
  erased_.push_back(entry);
}

void PrefixIndex::set_block(EntryId entry, std::int64_t layer, BlockId block) {
  BlockId& cell = blocks_[entry * layers_ + layer];
  entries_[entry].held += (block != kNoBlock) - (cell != kNoBlock);
  cell = block;
}

bool PrefixIndex::live(EntryId entry) const {
  if (entries_[entry].serial == 0) return false;
  const auto at = by_hash_.find(entries_[entry].hash);
  return at != by_hash_.end() && at->second == entry;
}

}  // namespace retort
