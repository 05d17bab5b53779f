#include "engine/block_store.h"

#include "core/error.h"

namespace retort {

using State = BlockStore::Block::State;

BlockStore::BlockStore(std::span<const std::int64_t> class_blocks) : classes_(class_blocks.size()) {
  std::int64_t total = 0;
  for (const std::int64_t blocks : class_blocks) total += blocks;
  blocks_.resize(total);
  BlockId id = 0;
  for (std::size_t size_class = 0; size_class < class_blocks.size(); ++size_class) {
    classes_[size_class].blocks = class_blocks[size_class];
    for (std::int64_t i = 0; i < class_blocks[size_class]; ++i, ++id) {
      blocks_[id].size_class = static_cast<std::int32_t>(size_class);
      append(classes_[size_class].free, id);
    }
  }
}

void BlockStore::append(List& list, BlockId id) {
  Block& block = blocks_[id];
  block.previous = list.tail;
  block.next = kNoBlock;
  (list.tail == kNoBlock ? list.head : blocks_[list.tail].next) = id;
  list.tail = id;
  ++list.count;
}

void BlockStore::remove(List& list, BlockId id) {
  const Block& block = blocks_[id];
  (block.previous == kNoBlock ? list.head : blocks_[block.previous].next) = block.next;
  (block.next == kNoBlock ? list.tail : blocks_[block.next].previous) = block.previous;
  --list.count;
}

void BlockStore::make_free(BlockId id) {
  Block& block = blocks_[id];
  block.layer = -1;
  block.sealed = false;
  block.state = State::kFree;
  append(classes_[block.size_class].free, id);
}

BlockId BlockStore::take(std::int64_t size_class, std::int32_t layer) {
  List& free = classes_[size_class].free;
  const BlockId id = free.head;
  if (id == kNoBlock) return kNoBlock;
  remove(free, id);
  Block& block = blocks_[id];
  block.layer = layer;
  block.references = 1;
  block.state = State::kUsed;
  return id;
}

void BlockStore::reference(BlockId id) {
  Block& block = blocks_[id];
  RETORT_CHECK(block.state != State::kFree, "block {} is free", id);
  if (block.state == State::kIdle) {
    remove(classes_[block.size_class].idle, id);
    block.state = State::kUsed;
  }
  ++block.references;
}

void BlockStore::dereference(BlockId id) {
  Block& block = blocks_[id];
  RETORT_CHECK(block.references > 0, "block {} has no user", id);
  if (--block.references > 0) return;
  if (block.entry == kNoEntry) {
    make_free(id);
  } else {
    block.state = State::kIdle;
    append(classes_[block.size_class].idle, id);
  }
}

void BlockStore::uncache(BlockId id) {
  Block& block = blocks_[id];
  block.entry = kNoEntry;
  if (block.state != State::kIdle) return;
  remove(classes_[block.size_class].idle, id);
  make_free(id);
}

}  // namespace retort
