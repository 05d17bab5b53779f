// The part of BlockPool that finds the beginnings of texts again.
#include <algorithm>

#include "engine/block_pool.h"

namespace retort {

// One number for how a block was computed: both recipes, and how many of its positions are prompt. Where the recipes
// are one, or the block is all prompt or all output, it is the same number for whatever request.
std::uint64_t BlockPool::recipe(const Sequence& sequence, std::int64_t logical) const {
  const std::int64_t prompt =
      std::clamp<std::int64_t>(sequence.prompt_tokens - logical * kv_block_positions(), 0, kv_block_positions());
  const std::uint64_t first = prompt > 0 ? config_.prompt_recipe : config_.output_recipe;
  const std::uint64_t last = prompt < kv_block_positions() ? config_.output_recipe : config_.prompt_recipe;
  // Recipes of 28 bits leave 8 for the border between them.
  return first << 36 | last << 8 | (first == last ? 0 : static_cast<std::uint64_t>(prompt));
}

BlockKey BlockPool::block_key(const Sequence& sequence, const ChainLink& parent, std::span<const std::int32_t> tokens,
                              std::int64_t logical) const {
  return {parent, tokens.subspan(logical * kv_block_positions(), kv_block_positions()), recipe(sequence, logical),
          sequence.salt};
}

PrefixHit BlockPool::find_prefix(PoolSlot slot, std::span<const std::int32_t> tokens) const {
  const Sequence& sequence = open_sequence(slot);
  PrefixHit hit;
  hit.blocks.assign(class_layers_.size(), 0);
  hit.idle.assign(class_layers_.size(), 0);
  if (tokens.empty()) return hit;
  // The last token is always computed: its logits are wanted.
  const std::int64_t limit = (static_cast<std::int64_t>(tokens.size()) - 1) / kv_block_positions();
  const std::int64_t sinks = sink_blocks(config_.sink_positions);
  std::vector<std::int64_t> behind_gap(layers(), 0);  // [layers] the blocks from here on are all there
  std::size_t usable = 0;
  bool gaps = false;
  ChainLink link = index_.root(sequence.salt);
  for (std::int64_t i = 0; i < limit; ++i) {
    const EntryId entry = index_.find(block_key(sequence, link, tokens, i)).entry;
    if (entry == kNoEntry) break;
    link = index_.link(entry);
    hit.entries.push_back(entry);
    if (index_.held(entry) < layers()) {
      gaps = true;
      const std::span<const BlockId> blocks = index_.blocks(entry);
      for (std::int64_t layer = 0; layer < layers(); ++layer) {
        if (blocks[layer] == kNoBlock) behind_gap[layer] = i < sinks ? limit + 1 : std::max(behind_gap[layer], i + 1);
      }
    }
    bool complete = true;
    for (std::int64_t layer = 0; gaps && complete && layer < layers(); ++layer) {
      complete = behind_gap[layer] <= first_seen_block(layer, (i + 1) * kv_block_positions());
    }
    if (complete) usable = hit.entries.size();
  }
  hit.entries.resize(usable);
  for (std::size_t i = 0; i < usable; ++i) {
    const std::span<const BlockId> blocks = index_.blocks(hit.entries[i]);
    for (std::int64_t layer = 0; layer < layers(); ++layer) {
      if (!sees(layer, static_cast<std::int64_t>(i), hit.tokens())) continue;
      ++hit.blocks[config_.layer_class[layer]];
      hit.idle[config_.layer_class[layer]] += store_[blocks[layer]].references == 0;
    }
  }
  return hit;
}

void BlockPool::take_prefix(PoolSlot slot, const PrefixHit& hit) {
  Sequence& sequence = open_sequence(slot);
  RETORT_CHECK(sequence.logical == 0, "slot {} has {} blocks already", slot, sequence.logical);
  if (hit.entries.empty()) return;
  sequence.logical = static_cast<std::int64_t>(hit.entries.size());
  for (std::int64_t layer = 0; layer < layers(); ++layer) {
    sequence.tables[layer].assign(sequence.logical, kNoBlock);
    for (std::int64_t i = 0; i < sequence.logical; ++i) {
      if (!sees(layer, i, hit.tokens())) continue;
      const BlockId block = index_.blocks(hit.entries[i])[layer];
      store_.reference(block);
      set_cell(sequence, layer, i, block);
    }
    sequence.released[layer] = first_seen_block(layer, hit.tokens());
  }
  sequence.cached = sequence.logical;
  sequence.chain = index_.link(hit.entries.back());
}

bool BlockPool::has_any_block(const Sequence& sequence, std::int64_t logical) const {
  return std::any_of(sequence.tables.begin(), sequence.tables.end(),
                     [logical](const std::vector<BlockId>& table) { return table[logical] != kNoBlock; });
}

void BlockPool::cache_full_blocks(PoolSlot slot, std::span<const std::int32_t> tokens, std::int64_t computed) {
  Sequence& sequence = open_sequence(slot);
  const std::int64_t full = std::min(computed / kv_block_positions(), sequence.logical);
  for (; sequence.cached < full; ++sequence.cached) {
    const std::int64_t i = sequence.cached;
    // Given back in all layers before it was cached: nothing to find, and nothing behind it can be found either.
    if (!has_any_block(sequence, i)) return;
    const BlockKey key = block_key(sequence, sequence.chain, tokens, i);
    PrefixIndex::Found found = index_.find(key);
    if (found.entry == kNoEntry) {
      if (found.impostor != kNoEntry) drop_entry(found.impostor);
      found.entry = index_.insert(key, found.hash);
    }
    join_entry(sequence, i, found.entry);
    sequence.chain = index_.link(found.entry);
  }
}

// Makes the sequence's logical block and the entry the same: where both have a block of a layer the entry's stays,
// since others may be using it.
void BlockPool::join_entry(Sequence& sequence, std::int64_t logical, EntryId entry) {
  for (std::int64_t layer = 0; layer < layers(); ++layer) {
    const BlockId mine = sequence.tables[layer][logical];
    const BlockId cached = index_.blocks(entry)[layer];
    if (mine == kNoBlock) continue;
    if (cached == kNoBlock) {
      index_.set_block(entry, layer, mine);
      store_[mine].entry = entry;
      store_[mine].sealed = true;
    } else {
      store_.reference(cached);
      clear_cell(sequence, layer, logical);
      set_cell(sequence, layer, logical, cached);
    }
  }
}

void BlockPool::forget(PoolSlot slot) {
  const Sequence& sequence = open_sequence(slot);
  for (std::int64_t i = 0; i < sequence.logical; ++i) {
    for (const std::vector<BlockId>& table : sequence.tables) {
      if (table[i] == kNoBlock) continue;
      if (const EntryId entry = store_[table[i]].entry; entry != kNoEntry) drop_entry(entry);
    }
  }
}

}  // namespace retort
