// Encoders of the types with 32 elements to a block: Q8_0, Q4_0, Q5_0. blocks.h draws them.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/blocks.h"
#include "kernels/encode_families.h"
#include "kernels/encode_search.h"

namespace retort {
namespace {

using namespace encode;

constexpr float kEqualWeights[kSmallBlock] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                              1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

/// encode(x, weight, block) for each block of a row.
template <typename Block, typename Encode>
void for_each_small_block(const float* x, const float* weight, void* row, std::int64_t n, Encode encode_block) {
  auto* out = static_cast<std::byte*>(row);
  for (std::int64_t i = 0; i < n / kSmallBlock; ++i) {
    Block block{};
    encode_block(x + i * kSmallBlock, weight ? weight + i * kSmallBlock : kEqualWeights, block);
    std::memcpy(out + i * static_cast<std::int64_t>(sizeof(Block)), &block, sizeof(Block));
  }
}

// q[i] = x[i] / d in -levels..levels-1, plus levels.
void small_codes(const float* x, float d, int levels, std::uint8_t* q) {
  const float factor = inverse(d);
  const auto top = static_cast<float>(levels);
  for (int i = 0; i < kSmallBlock; ++i) {
    q[i] = static_cast<std::uint8_t>(std::min(std::max(nearest(x[i] * factor), -top), top - 1) + top);
  }
}

}  // namespace

void encode_q8_0(const float* x, const float* weight, void* row, std::int64_t n) {
  for_each_small_block<BlockQ8_0>(x, weight, row, n, [](const float* values, const float*, BlockQ8_0& block) {
    float largest = 0;
    for (int i = 0; i < kSmallBlock; ++i) largest = std::max(largest, std::abs(values[i]));
    // No search: with 255 levels the scale that uses all of them is within a percent of the best.
    const Half d = to_half(largest / 127.0f);
    const float factor = inverse(d.value);
    block.d = d.bits;
    for (int i = 0; i < kSmallBlock; ++i) {
      block.qs[i] = static_cast<std::int8_t>(std::min(std::max(nearest(values[i] * factor), -127.0f), 127.0f));
    }
  });
}

void encode_q4_0(const float* x, const float* weight, void* row, std::int64_t n) {
  for_each_small_block<BlockQ4_0>(x, weight, row, n, [](const float* values, const float* w, BlockQ4_0& block) {
    const Half d = to_half(symmetric_scale<kSmallBlock>(values, w, 8));
    std::uint8_t q[kSmallBlock];
    small_codes(values, d.value, 8, q);
    block.d = d.bits;
    for (int i = 0; i < 16; ++i) block.qs[i] = static_cast<std::uint8_t>(q[i] | (q[i + 16] << 4));
  });
}

void encode_q5_0(const float* x, const float* weight, void* row, std::int64_t n) {
  for_each_small_block<BlockQ5_0>(x, weight, row, n, [](const float* values, const float* w, BlockQ5_0& block) {
    const Half d = to_half(symmetric_scale<kSmallBlock>(values, w, 16));
    std::uint8_t q[kSmallBlock];
    small_codes(values, d.value, 16, q);
    block.d = d.bits;
    for (int i = 0; i < 16; ++i) block.qs[i] = static_cast<std::uint8_t>((q[i] & 15) | ((q[i + 16] & 15) << 4));
    for (int i = 0; i < kSmallBlock; ++i) {
      block.qh[i / 8] = static_cast<std::uint8_t>(block.qh[i / 8] | ((q[i] >> 4) << (i % 8)));
    }
  });
}

}  // namespace retort
