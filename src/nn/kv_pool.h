// The memory behind the blocks of all sequences.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/error.h"
#include "core/pages.h"
#include "nn/kv_cache.h"

namespace retort {

/// Blocks of one or two sizes, where some layers keep bf16 beside 8 bits. Which block is whose is somebody else's
/// knowledge (engine/block_pool.h); ids count through the sizes, those of size class 0 first.
class KvPool {
 public:
  /// The size classes that `layouts` need: classes.size() is 1 or 2.
  struct Classes {
    std::vector<std::int32_t> of_layer;     ///< [layers]
    std::vector<std::int64_t> layer_count;  ///< [classes] layers of each
    std::vector<std::int64_t> block_bytes;  ///< [classes]
  };
  static Classes classes(const KvLayouts& layouts);

  /// `logical_blocks` of every layer. Memory is taken from the system as it is first used. kExhausted if it refuses.
  static Expected<KvPool> create(KvLayouts layouts, std::int64_t logical_blocks);

  [[nodiscard]] const KvLayouts& layouts() const { return layouts_; }
  /// [classes] blocks of each size.
  [[nodiscard]] const std::vector<std::int64_t>& class_blocks() const { return class_blocks_; }
  [[nodiscard]] const Classes& classes() const { return classes_; }
  [[nodiscard]] std::size_t bytes() const { return pages_.size(); }

  /// Block `id` of the layer's size class. 64-byte aligned.
  [[nodiscard]] std::byte* block(std::int64_t layer, std::int32_t id) const {
    const std::int32_t c = classes_.of_layer[layer];
    return pages_.data() + offsets_[c] + (id - first_[c]) * classes_.block_bytes[c];
  }

 private:
  KvPool(KvLayouts layouts, Classes classes) : layouts_(std::move(layouts)), classes_(std::move(classes)) {}

  KvLayouts layouts_;
  Classes classes_;
  std::vector<std::int64_t> class_blocks_;
  std::vector<std::int64_t> first_;    ///< [classes] id of the first block
  std::vector<std::int64_t> offsets_;  ///< [classes] bytes
  Pages pages_;
};

}  // namespace retort
