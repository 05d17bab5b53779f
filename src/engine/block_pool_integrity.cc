// BlockPool::check_integrity(): counts again, from scratch, what the pool keeps up to date step by step.
#include "engine/block_pool.h"

namespace retort {

using State = BlockStore::Block::State;

struct BlockPool::Count {
  std::vector<std::int32_t> references;  // [blocks] cells that name it
  std::vector<std::int64_t> logical;     // [blocks] where in the text those cells are
};

Status BlockPool::check_integrity() const {
  Count count{std::vector<std::int32_t>(store_.size(), 0), std::vector<std::int64_t>(store_.size(), -1)};
  RETORT_TRY_STATUS(count_cells(count));
  RETORT_TRY_STATUS(check_blocks(count));
  RETORT_TRY_STATUS(check_lists());
  return check_entries();
}

Status BlockPool::count_cells(Count& count) const {
  for (std::size_t slot = 0; slot < sequences_.size(); ++slot) {
    const Sequence& sequence = sequences_[slot];
    std::vector<std::int64_t> held(class_layers_.size());
    for (std::size_t layer = 0; layer < sequence.tables.size(); ++layer) {
      const std::vector<BlockId>& table = sequence.tables[layer];
      if (!sequence.is_open && !table.empty())
        return fail(ErrorCode::kCorrupt, "slot {} is closed but has blocks", slot);
      if (static_cast<std::int64_t>(table.size()) != sequence.logical) {
        return fail(ErrorCode::kCorrupt, "slot {}: layer {} has {} cells of {}", slot, layer, table.size(),
                    sequence.logical);
      }
      for (std::int64_t i = 0; i < sequence.logical; ++i) {
        const BlockId id = table[i];
        if (id == kNoBlock) continue;
        if (id < 0 || id >= store_.size()) return fail(ErrorCode::kCorrupt, "slot {} names block {}", slot, id);
        if (store_[id].layer != static_cast<std::int32_t>(layer)) {
          return fail(ErrorCode::kCorrupt, "block {} of layer {} is in a table of layer {}", id, store_[id].layer,
                      layer);
        }
        if (count.references[id]++ > 0 && count.logical[id] != i) {
          return fail(ErrorCode::kCorrupt, "block {} is logical block {} and {}", id, count.logical[id], i);
        }
        count.logical[id] = i;
        ++held[config_.layer_class[layer]];
      }
    }
    if (sequence.is_open && held != sequence.held) {
      return fail(ErrorCode::kCorrupt, "slot {} holds {} blocks of class 0 but says {}", slot, held[0],
                  sequence.held[0]);
    }
  }
  return {};
}

Status BlockPool::check_blocks(const Count& count) const {
  for (BlockId id = 0; id < store_.size(); ++id) {
    const BlockStore::Block& block = store_[id];
    if (block.references != count.references[id]) {
      return fail(ErrorCode::kCorrupt, "block {} counts {} references but {} cells name it", id, block.references,
                  count.references[id]);
    }
    if (block.references > 1 && !block.sealed) {
      return fail(ErrorCode::kCorrupt, "block {} is shared by {} cells but has never been full and cached", id,
                  block.references);
    }
    const State expected = block.references > 0 ? State::kUsed : block.entry != kNoEntry ? State::kIdle : State::kFree;
    if (block.state != expected) return fail(ErrorCode::kCorrupt, "block {} is in the wrong state", id);
    if ((block.layer == -1) != (block.state == State::kFree)) {
      return fail(ErrorCode::kCorrupt, "block {} is free, or of layer {}", id, block.layer);
    }
    if (block.layer >= 0 && config_.layer_class[block.layer] != block.size_class) {
      return fail(ErrorCode::kCorrupt, "block {} of size class {} serves layer {}", id, block.size_class, block.layer);
    }
    if (block.entry != kNoEntry &&
        (block.entry >= index_.slots() || !index_.live(block.entry) || index_.blocks(block.entry)[block.layer] != id)) {
      return fail(ErrorCode::kCorrupt, "block {} says that entry {} names it", id, block.entry);
    }
  }
  return {};
}

Status BlockPool::check_lists() const {
  for (std::int64_t c = 0; c < store_.classes(); ++c) {
    for (const State state : {State::kFree, State::kIdle}) {
      const bool free = state == State::kFree;
      std::int64_t listed = 0;
      BlockId previous = kNoBlock;
      for (BlockId id = free ? store_.first_free(c) : store_.oldest_idle(c); id != kNoBlock; id = store_[id].next) {
        if (store_[id].state != state || store_[id].size_class != c || store_[id].previous != previous ||
            ++listed > store_.size()) {
          return fail(ErrorCode::kCorrupt, "block {} is in the wrong list", id);
        }
        previous = id;
      }
      // As many listed as there are, and each listed one in the right state: so each is listed once.
      std::int64_t there = 0;
      for (BlockId id = 0; id < store_.size(); ++id) there += store_[id].state == state && store_[id].size_class == c;
      const std::int64_t counted = free ? store_.free_count(c) : store_.idle_count(c);
      if (listed != there || counted != there) {
        return fail(ErrorCode::kCorrupt, "class {}: {} blocks are {}, {} are listed and {} counted", c, there,
                    free ? "free" : "idle", listed, counted);
      }
    }
  }
  return {};
}

Status BlockPool::check_entries() const {
  std::int64_t live = 0;
  for (EntryId entry = 0; entry < index_.slots(); ++entry) {
    if (!index_.live(entry)) continue;
    ++live;
    std::int64_t held = 0;
    for (const BlockId block : index_.blocks(entry)) {
      if (block == kNoBlock) continue;
      ++held;
      if (store_[block].entry != entry) {
        return fail(ErrorCode::kCorrupt, "entry {} names block {} of entry {}", entry, block, store_[block].entry);
      }
    }
    if (held == 0 || held != index_.held(entry)) {
      return fail(ErrorCode::kCorrupt, "entry {} has {} blocks and counts {}", entry, held, index_.held(entry));
    }
  }
  if (live != index_.size()) return fail(ErrorCode::kCorrupt, "{} entries of {} are found", live, index_.size());
  return {};
}

}  // namespace retort
