#include "engine/paged_kv.h"

#include <algorithm>

namespace retort {

Status PagedKv::reserve(std::int64_t n) {
  const std::int64_t room = static_cast<std::int64_t>(blocks_.block_table(slot_, 0).size()) * kv_block_positions();
  if (length_ + n <= room) return {};
  return fail(ErrorCode::kExhausted, "the block table has room for {} positions but {} are needed", room, length_ + n);
}

std::byte* PagedKv::block(std::int64_t layer, std::int64_t index) const {
  return memory_.block(layer, blocks_.block_table(slot_, layer)[index]);
}

}  // namespace retort
