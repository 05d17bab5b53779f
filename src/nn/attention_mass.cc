#include "nn/attention_mass.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/parallel.h"

namespace retort {
namespace {

// The last token of a block, and what its scan finds.
struct ObservedToken {
  std::int64_t token;         // in places
  std::int64_t block;         // its own
  std::int64_t first_block;   // of the scan, sink aside
  std::vector<float> recent;  // [heads, block + 1 - first_block]
  std::vector<float> sink;    // [heads]
  [[nodiscard]] std::int64_t blocks() const { return block + 1 - first_block; }
};

std::vector<ObservedToken> observed_tokens(const ModelConfig& config, std::int64_t layer,
                                           std::span<const TokenPlace> places) {
  std::vector<ObservedToken> out;
  for (std::size_t t = 0; t < places.size(); ++t) {
    if (places[t].position % kKvBlockPositions != kKvBlockPositions - 1) continue;
    const KvWindows* windows = places[t].kv->windows();
    if (windows == nullptr || !windows->observes(layer)) continue;
    // What is decided so far bounds from below what will be decided for this token's block.
    const std::int64_t known = windows->decided(layer) - 1;
    const std::int64_t block = places[t].position / kKvBlockPositions;
    const std::int64_t first = windows->sight(layer, known * kKvBlockPositions).first / kKvBlockPositions;
    const auto heads = static_cast<std::size_t>(config.num_attention_heads);
    out.push_back({.token = static_cast<std::int64_t>(t),
                   .block = block,
                   .first_block = first,
                   .recent = std::vector<float>(heads * (block + 1 - first)),
                   .sink = std::vector<float>(heads)});
  }
  // Tokens of the output's recipe stand before those of the prompt's.
  std::stable_sort(out.begin(), out.end(),
                   [](const ObservedToken& a, const ObservedToken& b) { return a.block < b.block; });
  return out;
}

// log of the sum of exp(score) over one block's positions, of the heads that share a kv head. All are visible.
class BlockMass {
 public:
  BlockMass(const KernelTable& kernels, const ModelConfig& config, const KvBlockLayout& layout)
      : kernels_(kernels),
        layout_(layout),
        scale_(static_cast<float>(1.0 / std::sqrt(static_cast<double>(config.head_dim)))),
        rows_(config.num_attention_heads / config.num_key_value_heads),
        unused_(rows_.size() * layout.padded_dim) {}

  // [heads of the group], valid until the next call.
  std::span<const AttentionRow> of(const std::byte* head, const float* q_ND) {
    for (std::size_t h = 0; h < rows_.size(); ++h) {
      rows_[h] = {.q = q_ND + static_cast<std::int64_t>(h) * layout_.head_dim,
                  .out = unused_.data() + static_cast<std::int64_t>(h) * layout_.padded_dim,
                  .max = -std::numeric_limits<float>::infinity(),
                  .sum = 0,
                  .first = 0,
                  .last = kKvBlockPositions};
    }
    std::fill(unused_.begin(), unused_.end(), 0.0f);
    kernels_.attention_block({.layout = &layout_,
                              .head = head,
                              .next = nullptr,
                              .rows = rows_.data(),
                              .row_count = static_cast<std::int64_t>(rows_.size()),
                              .scale = scale_});
    return rows_;
  }

 private:
  const KernelTable& kernels_;
  const KvBlockLayout& layout_;
  float scale_;
  std::vector<AttentionRow> rows_;
  std::vector<float> unused_;  // sums of values
};

float log_mass(const AttentionRow& row) { return row.max + std::log(row.sum); }

}  // namespace

void observe_attention(const KernelTable& kernels, const ModelConfig& config, std::int64_t layer,
                       std::span<const TokenPlace> places, const float* q_TND) {
  std::vector<ObservedToken> observed = observed_tokens(config, layer, places);
  if (observed.empty()) return;
  const std::int64_t kv_heads = config.num_key_value_heads;
  const std::int64_t group = config.num_attention_heads / kv_heads;
  parallel_for(static_cast<std::int64_t>(observed.size()) * kv_heads, 1, [&](WorkRange range) {
    for (std::int64_t i = range.begin; i < range.end; ++i) {
      ObservedToken& one = observed[i / kv_heads];
      const std::int64_t first_head = i % kv_heads * group;
      const SequenceKv& kv = *places[one.token].kv;
      const KvBlockLayout& layout = kv.layouts().layer(layer);
      const float* q_ND = q_TND + (one.token * config.num_attention_heads + first_head) * config.head_dim;
      BlockMass mass(kernels, config, layout);
      const auto masses = [&](std::int64_t block) {
        return mass.of(kv.block(layer, block) + i % kv_heads * layout.head_bytes, q_ND);
      };
      for (std::int64_t b = 0; b < one.blocks(); ++b) {
        const std::span<const AttentionRow> rows = masses(one.first_block + b);
        for (std::int64_t h = 0; h < group; ++h) one.recent[(first_head + h) * one.blocks() + b] = log_mass(rows[h]);
      }
      const std::span<const AttentionRow> rows = masses(0);
      for (std::int64_t h = 0; h < group; ++h) one.sink[first_head + h] = log_mass(rows[h]);
    }
  });
  for (const ObservedToken& one : observed) {
    places[one.token].kv->windows()->observe(
        layer, {.first_block = one.first_block, .blocks = one.blocks(), .recent = one.recent, .sink = one.sink});
  }
}

}  // namespace retort
