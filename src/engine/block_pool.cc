#include "engine/block_pool.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace retort {
namespace {

std::int64_t blocks_for(std::int64_t tokens) { return (tokens + kv_block_positions() - 1) / kv_block_positions(); }

}  // namespace

Expected<BlockPool> BlockPool::create(BlockPoolConfig config) {
  const std::size_t layers = config.layer_class.size();
  const std::size_t classes = config.class_blocks.size();
  if (layers == 0) return fail(ErrorCode::kInvalidArgument, "layer_class is empty; name the size class of each layer");
  std::int64_t total = 0;
  for (const std::int64_t blocks : config.class_blocks) {
    if (blocks < 0 || blocks > std::numeric_limits<BlockId>::max() - total) {
      return fail(ErrorCode::kInvalidArgument, "class_blocks: {} blocks behind {} others, but all must be 0 to {}",
                  blocks, total, std::numeric_limits<BlockId>::max());
    }
    total += blocks;
  }
  for (const std::int32_t size_class : config.layer_class) {
    if (size_class < 0 || static_cast<std::size_t>(size_class) >= classes) {
      return fail(ErrorCode::kInvalidArgument, "layer_class: size class {} of {}", size_class, classes);
    }
  }
  if (!config.layer_windows.empty() && config.layer_windows.size() != layers) {
    return fail(ErrorCode::kInvalidArgument, "layer_windows has {} windows for {} layers; give all or none",
                config.layer_windows.size(), layers);
  }
  for (const std::int64_t window : config.layer_windows) {
    if (window < 0) return fail(ErrorCode::kInvalidArgument, "layer_windows: {} must be 0 (all) or more", window);
  }
  if (config.sink_positions < 0) {
    return fail(ErrorCode::kInvalidArgument, "sink_positions is {} but must be 0 or more", config.sink_positions);
  }
  for (const std::uint32_t recipe : {config.prompt_recipe, config.output_recipe}) {
    if (recipe >= 1U << 28) return fail(ErrorCode::kInvalidArgument, "recipe {} must be below 2^28", recipe);
  }
  return BlockPool(std::move(config));
}

BlockPool::BlockPool(BlockPoolConfig config)
    : config_(std::move(config)),
      class_layers_(config_.class_blocks.size()),
      store_(config_.class_blocks),
      index_(layers(), config_.hash_key, config_.hash_mask) {
  for (const std::int32_t size_class : config_.layer_class) ++class_layers_[size_class];
}

BlockPool::Sequence& BlockPool::open_sequence(PoolSlot slot) {
  return const_cast<Sequence&>(std::as_const(*this).open_sequence(slot));
}

const BlockPool::Sequence& BlockPool::open_sequence(PoolSlot slot) const {
  RETORT_CHECK(slot >= 0 && static_cast<std::size_t>(slot) < sequences_.size() && sequences_[slot].is_open,
               "slot {} is not open", slot);
  return sequences_[slot];
}

PoolSlot BlockPool::open(std::string cache_salt, std::int64_t prompt_tokens) {
  PoolSlot slot;
  if (closed_.empty()) {
    slot = static_cast<PoolSlot>(sequences_.size());
    sequences_.emplace_back();
  } else {
    slot = closed_.back();
    closed_.pop_back();
  }
  Sequence& sequence = sequences_[slot];
  sequence.is_open = true;
  sequence.salt = std::move(cache_salt);
  sequence.prompt_tokens = prompt_tokens;
  sequence.chain = index_.root(sequence.salt);
  sequence.tables.resize(layers());
  sequence.released.assign(layers(), 0);
  sequence.held.assign(class_layers_.size(), 0);
  return slot;
}

void BlockPool::release_all(PoolSlot slot) {
  Sequence& sequence = open_sequence(slot);
  // The end first: what is wanted last of a chain without its start.
  for (std::int64_t i = sequence.logical; i-- > 0;) {
    for (std::int64_t layer = 0; layer < layers(); ++layer) clear_cell(sequence, layer, i);
  }
  for (std::vector<BlockId>& table : sequence.tables) table.clear();
  sequence.released.assign(layers(), 0);
  sequence.logical = 0;
  sequence.cached = 0;
  sequence.chain = index_.root(sequence.salt);
}

void BlockPool::close(PoolSlot slot) {
  release_all(slot);
  sequences_[slot].is_open = false;
  std::string().swap(sequences_[slot].salt);
  closed_.push_back(slot);
}

void BlockPool::clear_cell(Sequence& sequence, std::int64_t layer, std::int64_t logical) {
  BlockId& cell = sequence.tables[layer][logical];
  if (cell == kNoBlock) return;
  --sequence.held[config_.layer_class[layer]];
  store_.dereference(std::exchange(cell, kNoBlock));
}

// `block` counts this cell among its references already.
void BlockPool::set_cell(Sequence& sequence, std::int64_t layer, std::int64_t logical, BlockId block) {
  ++sequence.held[config_.layer_class[layer]];
  sequence.tables[layer][logical] = block;
}

Status BlockPool::allocate(PoolSlot slot, std::int64_t tokens) {
  Sequence& sequence = open_sequence(slot);
  const std::int64_t wanted = blocks_for(tokens) - sequence.logical;
  if (wanted <= 0) return {};
  if (wanted > free_logical_blocks()) {
    return fail(ErrorCode::kExhausted,
                "{} tokens need {} more blocks of {} positions in each layer, but the KV cache has room for {}", tokens,
                wanted, kv_block_positions(), free_logical_blocks());
  }
  for (std::int64_t layer = 0; layer < layers(); ++layer) {
    const std::int32_t size_class = config_.layer_class[layer];
    sequence.tables[layer].resize(sequence.logical + wanted, kNoBlock);
    for (std::int64_t i = sequence.logical; i < sequence.logical + wanted; ++i) {
      if (store_.free_count(size_class) == 0) evict_one(size_class);
      set_cell(sequence, layer, i, store_.take(size_class, static_cast<std::int32_t>(layer)));
    }
  }
  sequence.logical += wanted;
  return {};
}

// A layer that sees everything makes the whole entry useless by losing its block; one with a window loses only hits
// that end near it.
void BlockPool::evict_one(std::int64_t size_class) {
  const BlockId block = store_.oldest_idle(size_class);
  RETORT_CHECK(block != kNoBlock, "no block of class {} is free or idle", size_class);
  const EntryId entry = store_[block].entry;
  const std::int32_t layer = store_[block].layer;
  if (window(layer) == 0 || index_.held(entry) == 1) {
    ++stats_.evictions;
    drop_entry(entry);
  } else {
    index_.set_block(entry, layer, kNoBlock);
    store_.uncache(block);
  }
}

void BlockPool::drop_entry(EntryId entry) {
  for (const BlockId block : index_.blocks(entry)) {
    if (block != kNoBlock) store_.uncache(block);
  }
  index_.erase(entry);
}

void BlockPool::release_before(PoolSlot slot, std::int64_t layer, std::int64_t position, std::int64_t sink) {
  Sequence& sequence = open_sequence(slot);
  const std::int64_t end = std::min(position / kv_block_positions(), sequence.logical);
  std::int64_t& released = sequence.released[layer];
  for (std::int64_t i = end; i-- > std::max(released, sink_blocks(sink));) clear_cell(sequence, layer, i);
  released = std::max(released, end);
}

void BlockPool::release_outside_windows(PoolSlot slot, std::int64_t position) {
  for (std::int64_t layer = 0; layer < static_cast<std::int64_t>(config_.layer_windows.size()); ++layer) {
    if (window(layer) == 0) continue;
    release_before(slot, layer, first_seen_block(layer, position) * kv_block_positions(), config_.sink_positions);
  }
}

std::span<const BlockId> BlockPool::block_table(PoolSlot slot, std::int64_t layer) const {
  return open_sequence(slot).tables[layer];
}

std::int64_t BlockPool::window(std::int64_t layer) const {
  return config_.layer_windows.empty() ? 0 : config_.layer_windows[layer];
}

std::int64_t BlockPool::sink_blocks(std::int64_t sink) const { return blocks_for(sink); }

// The first logical block that a query at `position` sees, sinks aside.
std::int64_t BlockPool::first_seen_block(std::int64_t layer, std::int64_t position) const {
  const std::int64_t width = window(layer);
  return width == 0 || width > position ? 0 : (position - width + 1) / kv_block_positions();
}

bool BlockPool::sees(std::int64_t layer, std::int64_t logical, std::int64_t position) const {
  return logical >= first_seen_block(layer, position) || logical < sink_blocks(config_.sink_positions);
}

std::int64_t BlockPool::free_logical_blocks() const {
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  for (std::size_t c = 0; c < class_layers_.size(); ++c) {
    if (class_layers_[c] == 0) continue;
    least = std::min(least, (store_.free_count(c) + store_.idle_count(c)) / class_layers_[c]);
  }
  return least;
}

std::int64_t BlockPool::reachable_tokens(PoolSlot slot) const {
  return (open_sequence(slot).logical + free_logical_blocks()) * kv_block_positions();
}

// Blocks that a sequence of `tokens` holds at most, computed one by one: a window of w positions touches up to
// (w + 62) / 64 + 1 blocks, wherever it begins.
std::vector<std::int64_t> BlockPool::blocks_needed(std::int64_t tokens) const {
  std::vector<std::int64_t> needed(class_layers_.size());
  const std::int64_t all = blocks_for(tokens);
  for (std::int64_t layer = 0; layer < layers(); ++layer) {
    std::int64_t blocks = all;
    if (window(layer) > 0 && window(layer) < tokens) {
      const std::int64_t seen = (window(layer) + kv_block_positions() - 2) / kv_block_positions() + 1;
      blocks = std::min(all, seen + sink_blocks(config_.sink_positions));
    }
    needed[config_.layer_class[layer]] += blocks;
  }
  return needed;
}

bool BlockPool::fits(const PrefixHit& hit, std::int64_t tokens, std::span<const PoolSlot> freed) const {
  const std::vector<std::int64_t> needed = blocks_needed(tokens);
  for (std::size_t c = 0; c < needed.size(); ++c) {
    std::int64_t available = store_.free_count(c) + store_.idle_count(c) - hit.idle[c];
    for (const PoolSlot slot : freed) available += open_sequence(slot).held[c];
    if (needed[c] - hit.blocks[c] > available) return false;
  }
  return true;
}

Status BlockPool::fits_alone(std::int64_t tokens) const {
  const std::vector<std::int64_t> needed = blocks_needed(tokens);
  for (std::size_t c = 0; c < needed.size(); ++c) {
    if (needed[c] <= store_.class_size(c)) continue;
    return fail(
        ErrorCode::kExhausted,
        "{} tokens need {} blocks of size class {}, but the KV cache has {}; give it more memory or shorten the "
        "request",
        tokens, needed[c], c, store_.class_size(c));
  }
  return {};
}

std::int64_t BlockPool::used_blocks() const {
  std::int64_t used = store_.size();
  for (std::int64_t c = 0; c < store_.classes(); ++c) used -= store_.free_count(c) + store_.idle_count(c);
  return used;
}

void BlockPool::count_query(std::int64_t tokens, std::int64_t hits) {
  stats_.queries += tokens;
  stats_.hits += hits;
}

}  // namespace retort
