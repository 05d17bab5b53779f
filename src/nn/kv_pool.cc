#include "nn/kv_pool.h"

#include <algorithm>

namespace retort {

KvPool::Classes KvPool::classes(const KvLayouts& layouts) {
  Classes out;
  for (std::int64_t layer = 0; layer < layouts.layers(); ++layer) {
    const std::int64_t bytes = layouts.block_bytes(layer);
    const auto found = std::find(out.block_bytes.begin(), out.block_bytes.end(), bytes);
    out.of_layer.push_back(static_cast<std::int32_t>(found - out.block_bytes.begin()));
    if (found == out.block_bytes.end()) {
      out.block_bytes.push_back(bytes);
      out.layer_count.push_back(0);
    }
    ++out.layer_count[out.of_layer.back()];
  }
  return out;
}

Expected<KvPool> KvPool::create(KvLayouts layouts, std::int64_t logical_blocks) {
  Classes classes = KvPool::classes(layouts);
  KvPool pool(std::move(layouts), std::move(classes));
  std::int64_t blocks = 0;
  std::int64_t bytes = 0;
  for (std::size_t c = 0; c < pool.classes_.block_bytes.size(); ++c) {
    pool.class_blocks_.push_back(logical_blocks * pool.classes_.layer_count[c]);
    pool.first_.push_back(blocks);
    pool.offsets_.push_back(bytes);
    blocks += pool.class_blocks_.back();
    bytes += pool.class_blocks_.back() * pool.classes_.block_bytes[c];
  }
  RETORT_TRY(pool.pages_, Pages::allocate(static_cast<std::size_t>(bytes)));
  return pool;
}

}  // namespace retort
