// Blocks of the KV cache for tests.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <random>
#include <vector>

#include "fixtures.h"
#include "kernels/kv_block.h"

namespace retort::testing {

struct AlignedFree {
  void operator()(std::byte* p) const { ::operator delete[](p, std::align_val_t{64}); }
};

/// One head's share of some blocks, filled with random keys and values; what lies beyond `positions` is NaN.
struct KvCase {
  KvCase(std::mt19937& random, KvCacheType type, std::int64_t dim, std::int64_t positions_)
      : layout(kv_block_layout(type, dim)),
        positions(positions_),
        blocks((positions_ + kKvBlockPositions - 1) / kKvBlockPositions),
        memory(static_cast<std::byte*>(::operator new[](blocks* layout.head_bytes, std::align_val_t{64}))),
        k(random_floats(random, positions * dim)),
        v(random_floats(random, positions * dim)) {
    std::memset(memory.get(), 0xff, blocks * layout.head_bytes);
    for (std::int64_t b = 0; b < blocks; ++b) store_kv_offset(layout, block(b), random_floats(random, dim).data());
    for (std::int64_t p = 0; p < positions; ++p) {
      store_kv(layout, block(p / kKvBlockPositions), p % kKvBlockPositions, &k[p * dim], &v[p * dim]);
    }
    for (std::int64_t p = 0; p < positions; ++p) {  // what was kept of them
      load_kv(layout, block(p / kKvBlockPositions), p % kKvBlockPositions, &k[p * dim], &v[p * dim]);
    }
  }
  [[nodiscard]] std::byte* block(std::int64_t i) const { return memory.get() + i * layout.head_bytes; }

  KvBlockLayout layout;
  std::int64_t positions;
  std::int64_t blocks;
  std::unique_ptr<std::byte[], AlignedFree> memory;
  std::vector<float> k;
  std::vector<float> v;
};

}  // namespace retort::testing
