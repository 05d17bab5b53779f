#include "nn/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "core/parallel.h"
#include "nn/attention_mass.h"

namespace retort {
namespace {

constexpr std::int64_t kSplitBlocks = 16;  // 1,024 positions
// Tokens of a prompt that read a block of keys together: 16 of them with 6 heads each are 96 rows, whose queries and
// sums take 96 KiB of L2, and a block (32 KiB of bf16) is read from there once for all.
constexpr std::int64_t kTileTokens = 16;

// A prompt in bf16 tiles, 192 rows: what a block costs besides them is shared by more, and they take 230 KiB.
constexpr std::int64_t kPromptTileRows = 192;
constexpr std::int64_t kPromptTileTokens = 32;

// Tokens of one sequence that stand together.
struct Tile {
  std::int64_t first;  // in places
  std::int64_t count;
};

struct HeadShape {
  std::int64_t heads;
  std::int64_t kv_heads;
  std::int64_t group;  // query heads per kv head
  std::int64_t dim;
  std::int64_t window;  // 0: none
  std::int64_t layer;
  float scale;
};

// Tiles of up to `most` tokens among places [first, end). Tokens whose windows leave gaps share one only within a
// block, where they see from the same position on.
void add_tiles(std::span<const TokenPlace> places, std::int64_t first, std::int64_t end, std::int64_t most,
               std::vector<Tile>& tiles) {
  for (std::int64_t t = first; t < end; ++t) {
    if (t > first) {
      Tile& last = tiles.back();
      const TokenPlace& before = places[t - 1];
      const bool same_windows = before.kv->windows() == nullptr || places[t].position % kKvBlockPositions != 0;
      if (last.count < most && before.kv == places[t].kv && before.position + 1 == places[t].position && same_windows) {
        ++last.count;
        continue;
      }
    }
    tiles.push_back({t, 1});
  }
}

KvSight sight(const HeadShape& shape, const TokenPlace& token) {
  if (const KvWindows* windows = token.kv->windows()) return windows->sight(shape.layer, token.position);
  return {.sink = 0, .first = shape.window > 0 ? std::max<std::int64_t>(0, token.position + 1 - shape.window) : 0};
}

// The rows of one tile and kv head: token by token, the heads of the group side by side.
class TileRows {
 public:
  TileRows(const HeadShape& shape, std::span<const TokenPlace> tokens, std::int64_t padded_dim)
      : shape_(shape),
        tokens_(tokens),
        padded_dim_(padded_dim),
        rows_(tokens.size() * shape.group),
        sums_(rows_.size() * padded_dim) {
    for (const TokenPlace& token : tokens) sights_.push_back(sight(shape, token));
  }

  void clear(const float* q_TND, std::int64_t first_token, std::int64_t kv_head) {
    std::fill(sums_.begin(), sums_.end(), 0.0f);
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      const std::int64_t token = first_token + static_cast<std::int64_t>(r) / shape_.group;
      const std::int64_t head = kv_head * shape_.group + static_cast<std::int64_t>(r) % shape_.group;
      rows_[r] = {.q = q_TND + (token * shape_.heads + head) * shape_.dim,
                  .out = sums_.data() + r * padded_dim_,
                  .max = -std::numeric_limits<float>::infinity(),
                  .sum = 0,
                  .first = 0,
                  .last = 0};
    }
  }

  // Adds the blocks [first, last) of one split.
  void add_blocks(const KernelTable& kernels, std::int64_t kv_head, std::int64_t first, std::int64_t last) {
    const SequenceKv& kv = *tokens_.front().kv;
    const KvBlockLayout& layout = kv.layouts().layer(shape_.layer);
    const auto share = [&](std::int64_t block) { return kv.block(shape_.layer, block) + kv_head * layout.head_bytes; };
    for (std::int64_t block = first; block < last; ++block) {
      const auto [begin, end] = see(block);
      if (begin == end) continue;
      kernels.attention_block({.layout = &layout,
                               .head = share(block),
                               .next = block + 1 < last ? share(block + 1) : nullptr,
                               .rows = rows_.data() + begin,
                               .row_count = end - begin,
                               .scale = shape_.scale});
    }
  }

  [[nodiscard]] std::span<AttentionRow> rows() { return rows_; }

 private:
  // Says which of the block's positions each row sees; the rows that see any are those of [first, second).
  std::pair<std::int64_t, std::int64_t> see(std::int64_t block) {
    const std::int64_t start = block * kKvBlockPositions;
    std::int64_t begin = -1;
    std::int64_t end = 0;
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      const std::int64_t position = tokens_[i].position;
      const bool in_sink = start < sights_[i].sink;
      const std::int64_t first = in_sink ? 0 : std::max<std::int64_t>(sights_[i].first - start, 0);
      const std::int64_t last = std::min(position + 1 - start, kKvBlockPositions);
      if (first >= last) continue;
      const auto r = static_cast<std::int64_t>(i) * shape_.group;
      if (begin < 0) begin = r;
      end = r + shape_.group;
      for (std::int64_t h = 0; h < shape_.group; ++h) {
        rows_[r + h].first = static_cast<std::int32_t>(first);
        rows_[r + h].last = static_cast<std::int32_t>(last);
      }
    }
    return {std::max<std::int64_t>(begin, 0), end};
  }

  const HeadShape& shape_;
  std::span<const TokenPlace> tokens_;
  std::int64_t padded_dim_;
  std::vector<KvSight> sights_;  // [tokens]
  std::vector<AttentionRow> rows_;
  std::vector<float> sums_;  // [rows, padded_dim]
};

// One tile and kv head, all splits.
void attend_item(const KernelTable& kernels, const HeadShape& shape, std::span<const TokenPlace> tokens,
                 std::int64_t first_token, std::int64_t kv_head, const float* q_TND, float* out_TND) {
  const std::int64_t padded = tokens.front().kv->layouts().layer(shape.layer).padded_dim;
  TileRows total(shape, tokens, padded);
  total.clear(q_TND, first_token, kv_head);
  const KvSight seen = sight(shape, tokens.front());
  const std::int64_t first_block = seen.first / kKvBlockPositions;
  const std::int64_t end_block = tokens.back().position / kKvBlockPositions + 1;
  const std::int64_t recent_split = first_block / kSplitBlocks;
  if (seen.sink > 0) total.add_blocks(kernels, kv_head, 0, 1);
  for (std::int64_t split = recent_split; split * kSplitBlocks < end_block; ++split) {
    const std::int64_t first = std::max(first_block, split * kSplitBlocks);
    const std::int64_t last = std::min(end_block, (split + 1) * kSplitBlocks);
    // The sink is of split 0.
    if (split == (seen.sink > 0 ? 0 : recent_split)) {
      total.add_blocks(kernels, kv_head, first, last);
      continue;
    }
    TileRows part(shape, tokens, padded);
    part.clear(q_TND, first_token, kv_head);
    part.add_blocks(kernels, kv_head, first, last);
    for (std::size_t r = 0; r < part.rows().size(); ++r) {
      AttentionRow& into = total.rows()[r];
      const AttentionRow& later = part.rows()[r];
      if (later.last == 0) continue;  // saw nothing of this split
      AttentionSum sum{into.out, into.max, into.sum};
      merge_attention(sum, {later.out, later.max, later.sum}, shape.dim);
      into.max = sum.max;
      into.sum = sum.sum;
    }
  }
  for (const AttentionRow& row : total.rows()) {
    float* out = out_TND + (row.q - q_TND);
    const float inverse = 1.0f / row.sum;
    for (std::int64_t d = 0; d < shape.dim; ++d) out[d] = row.out[d] * inverse;
  }
}

// The same in bf16 tiles. Where there is a gap the blocks behind it follow upon the sink as if there were none: keys
// are turned already, and positions only say what is visible.
template <TileParts kParts>
void attend_in_tiles(const KernelTable& kernels, const HeadShape& shape, std::span<const TokenPlace> tokens,
                     std::int64_t first_token, std::int64_t kv_head, const float* q_TND, float* out_TND) {
  const SequenceKv& kv = *tokens.front().kv;
  const KvBlockLayout& layout = kv.layouts().layer(shape.layer);
  const KvSight seen = sight(shape, tokens.front());
  const std::int64_t gap = seen.sink > 0 ? seen.first - seen.sink : 0;
  std::vector<TileAttentionRow> rows;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::int64_t first = seen.sink > 0 ? 0 : sight(shape, tokens[i]).first;
    const std::int64_t last = tokens[i].position + 1 - gap;
    const std::int64_t head = (first_token + static_cast<std::int64_t>(i)) * shape.heads + kv_head * shape.group;
    for (std::int64_t h = 0; h < shape.group; ++h) {
      const std::int64_t at = (head + h) * shape.dim;
      rows.push_back({.q = q_TND + at, .out = out_TND + at, .first = first, .last = last});
    }
  }
  const std::int64_t first_block = rows.front().first / kKvBlockPositions;
  std::vector<const std::byte*> blocks;
  for (std::int64_t b = first_block; b * kKvBlockPositions < rows.back().last; ++b) {
    const std::int64_t block = b * kKvBlockPositions < seen.sink ? b : b + gap / kKvBlockPositions;
    blocks.push_back(kv.block(shape.layer, block) + kv_head * layout.head_bytes);
  }
  constexpr std::size_t kAlignment = 64;
  const auto row_count = static_cast<std::int64_t>(rows.size());
  const auto bytes = static_cast<std::size_t>(tile_attention_scratch(layout, kParts, row_count));
  const auto scratch = std::make_unique_for_overwrite<std::byte[]>(bytes + kAlignment);
  const auto address = reinterpret_cast<std::uintptr_t>(scratch.get());
  kernels.tile_attention({.layout = &layout,
                          .blocks = blocks.data(),
                          .block_count = static_cast<std::int64_t>(blocks.size()),
                          .first_position = first_block * kKvBlockPositions,
                          .rows = rows.data(),
                          .row_count = row_count,
                          .parts = kParts,
                          .scale = shape.scale,
                          .scratch = scratch.get() + (kAlignment - address % kAlignment) % kAlignment});
}

}  // namespace

void attend(const KernelTable& kernels, const ModelConfig& config, std::int64_t layer_index,
            std::span<const TokenPlace> places, StepTokens tokens, const float* q_TND, float* out_TND) {
  const HeadShape shape{.heads = config.num_attention_heads,
                        .kv_heads = config.num_key_value_heads,
                        .group = config.num_attention_heads / config.num_key_value_heads,
                        .dim = config.head_dim,
                        .window = config.layer_windows[layer_index],
                        .layer = layer_index,
                        .scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(config.head_dim)))};
  observe_attention(kernels, config, layer_index, places, q_TND);
  std::vector<Tile> tiles;
  add_tiles(places, 0, tokens.prompt_from, kTileTokens, tiles);
  const KvBlockLayout& layout = places.back().kv->layouts().layer(layer_index);
  const bool output_in_tiles = tokens.two_recipes && tiles_attend(layout, TileParts::kTwo);
  const bool prompts_in_tiles = tokens.two_recipes && tiles_attend(layout, TileParts::kOne);
  const std::int64_t prompt_tile =
      prompts_in_tiles ? std::clamp<std::int64_t>(kPromptTileRows / shape.group, 1, kPromptTileTokens) : kTileTokens;
  add_tiles(places, tokens.prompt_from, tokens.count, prompt_tile, tiles);
  // The longest first: late tiles of a prompt see more keys than early ones, and what is left for the end is short.
  const auto items = static_cast<std::int64_t>(tiles.size()) * shape.kv_heads;
  parallel_for(items, 1, [&](WorkRange range) {
    for (std::int64_t i = range.begin; i < range.end; ++i) {
      const std::int64_t item = items - 1 - i;
      const Tile& tile = tiles[item / shape.kv_heads];
      const auto attend_one = tile.first >= tokens.prompt_from
                                  ? (prompts_in_tiles ? attend_in_tiles<TileParts::kOne> : attend_item)
                                  : (output_in_tiles ? attend_in_tiles<TileParts::kTwo> : attend_item);
      attend_one(kernels, shape, places.subspan(tile.first, tile.count), tile.first, item % shape.kv_heads, q_TND,
                 out_TND);
    }
  });
}

}  // namespace retort
