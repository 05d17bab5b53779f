// Keys and values of the positions that a sequence has computed, as attention reads them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/error.h"
#include "core/kv_cache_type.h"
#include "io/model_config.h"
#include "kernels/kv_block.h"
#include "nn/kv_windows.h"

namespace retort {

/// Positions per block. 64 positions x 128 dims x 2 bytes = 16 KiB of keys: one head's share fits a core's L1.
constexpr std::int64_t kv_block_positions() { return kKvBlockPositions; }

/// How each layer stores its keys and values.
class KvLayouts {
 public:
  /// All layers as `type`, but the first and last `edge_layers` as bf16 where `type` is an 8-bit one.
  KvLayouts(const ModelConfig& config, KvCacheType type, std::int64_t edge_layers = 0);

  [[nodiscard]] std::int64_t layers() const { return static_cast<std::int64_t>(layers_.size()); }
  [[nodiscard]] std::int64_t kv_heads() const { return kv_heads_; }
  /// Of one kv head's share of a block.
  [[nodiscard]] const KvBlockLayout& layer(std::int64_t layer) const { return layers_[layer]; }
  [[nodiscard]] std::int64_t block_bytes(std::int64_t layer) const { return kv_heads_ * layers_[layer].head_bytes; }
  /// Of one block in every layer.
  [[nodiscard]] std::int64_t logical_block_bytes() const;

 private:
  std::int64_t kv_heads_;
  std::vector<KvBlockLayout> layers_;
};

/// One sequence's cache, whoever owns the memory: a block table into a pool shared by all sequences looks the same from
/// here as blocks of its own. Used by one thread at a time but for block() and layouts(), which are const.
///
/// Blocks begin at multiples of kv_block_positions(), counted from position 0, in every implementation and whatever the
/// window: attention adds up block by block, so this is what keeps a token's bits the same however its prompt was
/// chunked and whoever shares the pool.
class SequenceKv {
 public:
  virtual ~SequenceKv() = default;

  [[nodiscard]] virtual const KvLayouts& layouts() const = 0;
  /// Positions computed so far.
  [[nodiscard]] virtual std::int64_t length() const = 0;
  /// Makes room for positions [length, length + n). kExhausted if there is none; nothing changes then.
  virtual Status reserve(std::int64_t n) = 0;
  /// All layers have written the `n` positions after length(): they count from now on.
  virtual void advance(std::int64_t n) = 0;
  /// Forgets the positions from `length` on. With windows() only to 0: what was given up does not come back.
  virtual void truncate(std::int64_t length) = 0;
  /// Positions [64 index, 64 index + 64) of a layer: [kv_heads] shares of layouts().layer(layer).head_bytes, 64-byte
  /// aligned. Of positions that were reserved or computed and not given back.
  [[nodiscard]] virtual std::byte* block(std::int64_t layer, std::int64_t index) const = 0;
  /// What the sequence's tokens see; null: what the configuration says. Lives as long as this.
  [[nodiscard]] virtual KvWindows* windows() const { return nullptr; }
};

/// Takes its blocks from the heap as the sequence grows; `max_positions` bounds it. What `window` lets nobody see any
/// more is not freed: KvWindows::held_blocks() says what a pool would hold.
std::unique_ptr<SequenceKv> make_sequence_kv(const ModelConfig& config, KvCacheType type, std::int64_t max_positions,
                                             const KvWindowOptions& window = {});

}  // namespace retort
