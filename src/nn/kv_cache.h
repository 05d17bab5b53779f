// Keys and values of the positions that a sequence has computed, as attention reads them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/error.h"
#include "io/model_config.h"

namespace retort {

/// Consecutive positions of one layer and one key/value head that lie together in memory.
struct KvRun {
  const float* k = nullptr;  ///< [positions, head_dim], row stride `stride` elements, rotated already
  const float* v = nullptr;  ///< [positions, head_dim], row stride `stride` elements
  std::int64_t positions = 0;
  std::int64_t stride = 0;
};

/// One sequence's cache, whoever owns the memory: a block table into a pool shared by all sequences looks the same from
/// here as blocks of its own. Used by one thread at a time but for run(), which is const.
///
/// Runs end where a multiple of kv_block_positions() is reached, counted from position 0, in every implementation and
/// whatever the window: attention adds up run by run, so this is what keeps a token's bits the same however its prompt
/// was chunked and whoever shares the pool.
class SequenceKv {
 public:
  virtual ~SequenceKv() = default;

  /// Positions computed so far.
  [[nodiscard]] virtual std::int64_t length() const = 0;
  /// Makes room for positions [length, length + n). kExhausted if there is none; nothing changes then.
  virtual Status reserve(std::int64_t n) = 0;
  /// Where layer `layer` puts K and V of `position`, which reserve() made room for: [kv_heads] rows of head_dim,
  /// `head_stride` elements apart.
  struct Slot {
    float* k;
    float* v;
    std::int64_t head_stride;
  };
  virtual Slot slot(std::int64_t layer, std::int64_t position) = 0;
  /// All layers have written the `n` positions after length(): they count from now on.
  virtual void advance(std::int64_t n) = 0;
  /// Forgets the positions from `length` on.
  virtual void truncate(std::int64_t length) = 0;
  /// The longest run that starts at `position` and ends before `end`.
  [[nodiscard]] virtual KvRun run(std::int64_t layer, std::int64_t kv_head, std::int64_t position,
                                  std::int64_t end) const = 0;
};

/// Positions per block. 64 positions x 128 dims x 4 bytes = 32 KiB of K: one block of one head fits a core's L1.
constexpr std::int64_t kv_block_positions() { return 64; }

/// fp32 cache that takes its blocks from the heap as the sequence grows; `max_positions` bounds it.
std::unique_ptr<SequenceKv> make_sequence_kv(const ModelConfig& config, std::int64_t max_positions);

}  // namespace retort
