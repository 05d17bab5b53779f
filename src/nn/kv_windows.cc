#include "nn/kv_windows.h"

#include <algorithm>
#include <cmath>

namespace retort {
namespace {

// Per block. What a window needed counts for long (a half after 69 blocks, 4,400 tokens): a layer that once looked far
// back will do so again. What was given up is forgotten sooner (a half after 8 blocks): a layer that is local would not
// look at it any more, and without forgetting no window could ever move on.
constexpr double kNeedDecay = 0.99;
constexpr double kLostDecay = 0.917;

// How one head's attention lies over the blocks that it sees, relative to the largest of them.
struct HeadMass {
  double sink = 0;
  std::vector<double> blocks;  // [recent blocks], the earliest first
  double seen = 0;             // all of it
};

HeadMass head_mass(const KvMasses& masses, std::int64_t head, std::int64_t first, bool has_sink) {
  const std::span<const float> row = masses.recent.subspan(head * masses.blocks, masses.blocks);
  const auto skipped = static_cast<std::size_t>(first - masses.first_block);
  double max = has_sink ? masses.sink[head] : -INFINITY;
  for (std::size_t i = skipped; i < row.size(); ++i) max = std::max<double>(max, row[i]);
  HeadMass out;
  if (has_sink) out.sink = std::exp(masses.sink[head] - max);
  out.seen = out.sink;
  for (std::size_t i = skipped; i < row.size(); ++i) {
    out.blocks.push_back(std::exp(row[i] - max));
    out.seen += out.blocks.back();
  }
  return out;
}

// kept[w]: the share of all mass that `w` recent blocks and the sink hold, given that `lost` times what is seen is
// gone.
std::vector<double> kept_shares(const HeadMass& mass, std::int64_t first, double lost) {
  const double all = mass.seen * (1 + lost);
  const std::size_t count = mass.blocks.size();
  std::vector<double> kept(count + 1);
  // Block 0 counts as the sink where it is among the recent ones.
  double sum = first == 0 ? mass.blocks.front() : mass.sink;
  kept[0] = sum / all;
  for (std::size_t w = 1; w <= count; ++w) {
    if (w < count || first > 0) sum += mass.blocks[count - w];
    kept[w] = sum / all;
  }
  return kept;
}

}  // namespace

std::string_view to_string(KvWindowMode mode) {
  switch (mode) {
    case KvWindowMode::kConfig:
      return "config";
    case KvWindowMode::kFull:
      return "full";
    case KvWindowMode::kSinks:
      return "sinks";
    case KvWindowMode::kDynamic:
      return "dynamic";
  }
  return "?";
}

bool has_window(const KvWindowOptions& options, std::size_t layer) {
  return options.layers.empty() ||
         std::ranges::find(options.layers, static_cast<std::int64_t>(layer)) != options.layers.end();
}

Status check_kv_window_options(const KvWindowOptions& options, std::int64_t layers) {
  constexpr std::int64_t kMost = std::int64_t{1} << 30;
  const auto wrong = std::ranges::find_if(options.layers, [&](std::int64_t l) { return l < 0 || l >= layers; });
  if (wrong != options.layers.end()) {
    return fail(ErrorCode::kInvalidArgument, "--kv-window-layers names layer {}, but the layers are 0 to {}", *wrong,
                layers - 1);
  }
  if (options.mode == KvWindowMode::kSinks && (options.size < 1 || options.size > kMost)) {
    return fail(ErrorCode::kInvalidArgument, "--kv-window-size must be 1 to {} positions but is {}", kMost,
                options.size);
  }
  if (options.mode != KvWindowMode::kDynamic) return {};
  if (!(options.mass > 0 && options.mass < 1)) {
    return fail(ErrorCode::kInvalidArgument,
                "--kv-window-mass must be above 0 and below 1 but is {}; to keep everything, use --kv-window full",
                options.mass);
  }
  if (options.full_positions < 0 || options.min_blocks < 1) {
    return fail(ErrorCode::kInvalidArgument, "full_positions is {} and min_blocks {}, but must be at least 0 and 1",
                options.full_positions, options.min_blocks);
  }
  return {};
}

KvWindows::KvWindows(const ModelConfig& config, const KvWindowOptions& options)
    : options_(options),
      heads_(config.num_attention_heads),
      group_(config.num_attention_heads / config.num_key_value_heads),
      layers_(config.num_hidden_layers) {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    layers_[i].window = config.layer_windows[i];
    layers_[i].full = !has_window(options, i);
  }
  reset();
}

void KvWindows::reset() {
  for (Layer& layer : layers_) {
    layer.first.assign(1, 0);
    layer.need = 0;
    layer.lost.assign(heads_, 0);
  }
}

bool KvWindows::observes(std::int64_t layer) const {
  return options_.mode == KvWindowMode::kDynamic && layers_[layer].window == 0 && !layers_[layer].full;
}

std::int64_t KvWindows::decided(std::int64_t layer) const {
  return observes(layer) ? static_cast<std::int64_t>(layers_[layer].first.size()) : INT64_MAX;
}

// The first block seen from `block`, but for the sink, in layers without a window by the configuration.
std::int64_t KvWindows::first_block(const Layer& layer, std::int64_t block) const {
  if (layer.full) return 0;
  switch (options_.mode) {
    case KvWindowMode::kSinks: {
      const std::int64_t before = (options_.size + kKvBlockPositions - 1) / kKvBlockPositions;
      return std::max<std::int64_t>(0, block - before);
    }
    case KvWindowMode::kDynamic:
      return layer.first[block];
    case KvWindowMode::kConfig:
    case KvWindowMode::kFull:
      break;
  }
  return 0;
}

KvSight KvWindows::sight(std::int64_t layer, std::int64_t position) const {
  const Layer& l = layers_[layer];
  if (l.window > 0 && options_.mode != KvWindowMode::kFull) {
    return {.sink = 0, .first = std::max<std::int64_t>(0, position + 1 - l.window)};
  }
  const std::int64_t first = first_block(l, position / kKvBlockPositions);
  if (first <= 1) return {};
  return {.sink = kSinkPositions, .first = first * kKvBlockPositions};
}

std::int64_t KvWindows::held_blocks(std::int64_t layer, std::int64_t positions) const {
  if (positions == 0) return 0;
  // A block that has just been filled is followed by one that nothing is in yet.
  const std::int64_t all = (positions + kKvBlockPositions - 1) / kKvBlockPositions;
  const KvSight seen = sight(layer, positions);
  return all - std::min(all, seen.first / kKvBlockPositions) + (seen.sink > 0 ? 1 : 0);
}

void KvWindows::observe(std::int64_t layer, const KvMasses& masses) {
  Layer& l = layers_[layer];
  const auto block = static_cast<std::int64_t>(l.first.size()) - 1;
  const std::int64_t first = l.first[block];
  const bool has_sink = first > 0;
  const std::int64_t most = block + 1 - first;
  RETORT_CHECK(masses.first_block <= first && masses.first_block + masses.blocks == block + 1,
               "block {} sees from block {} on, but is told of {} blocks from {} on", block, first, masses.blocks,
               masses.first_block);

  std::vector<HeadMass> heads;
  for (std::int64_t h = 0; h < heads_; ++h) heads.push_back(head_mass(masses, h, first, has_sink));
  // Whose attention counts together: each head's alone, or that of heads which share keys.
  const std::int64_t together = options_.heads == KvWindowOptions::Heads::kWorst ? 1 : group_;
  std::int64_t wanted = 0;
  for (std::int64_t h = 0; h < heads_; h += together) {
    std::vector<double> kept(most + 1);
    for (std::int64_t i = h; i < h + together; ++i) {
      const std::vector<double> shares = kept_shares(heads[i], first, l.lost[i]);
      for (std::size_t w = 0; w < kept.size(); ++w) kept[w] += shares[w] / static_cast<double>(together);
    }
    std::int64_t w = 0;
    while (w < most && !(kept[w] >= options_.mass)) ++w;
    wanted = std::max(wanted, w);
  }
  l.need = std::max(l.need * kNeedDecay, static_cast<double>(wanted));

  // The next block's tokens see as many whole blocks before their own.
  const std::int64_t window = std::max(options_.min_blocks, static_cast<std::int64_t>(std::ceil(l.need)));
  const std::int64_t next =
      (block + 1) * kKvBlockPositions < options_.full_positions ? first : std::max(first, block + 1 - window);
  for (std::int64_t h = 0; h < heads_; ++h) {
    const HeadMass& mass = heads[h];
    double gone = 0;
    for (std::int64_t i = std::max<std::int64_t>(first, 1); i < next; ++i) gone += mass.blocks[i - first];
    const double kept = mass.seen - gone;
    l.lost[h] = (l.lost[h] * kLostDecay * mass.seen + gone) / kept;
  }
  l.first.push_back(next);
}

}  // namespace retort
