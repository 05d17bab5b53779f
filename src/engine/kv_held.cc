#include "engine/kv_held.h"

#include <algorithm>

namespace retort {

std::vector<KvHeld> kv_held(const ModelConfig& config, const SequenceKv& kv) {
  const KvWindows of_config(config, {});
  const KvWindows& windows = kv.windows() != nullptr ? *kv.windows() : of_config;
  const std::int64_t length = kv.length();
  std::vector<KvHeld> out(config.num_hidden_layers);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto layer = static_cast<std::int64_t>(i);
    const auto bytes = static_cast<double>(kv.layouts().block_bytes(layer));
    for (std::int64_t positions = 1; positions <= length; ++positions) {
      const double held = bytes * static_cast<double>(windows.held_blocks(layer, positions));
      out[i].end = held;
      out[i].peak = std::max(out[i].peak, held);
      out[i].mean += held / static_cast<double>(length);
    }
    const std::int64_t all = (length + kv_block_positions() - 1) / kv_block_positions();
    out[i].full = bytes * static_cast<double>(all);
  }
  return out;
}

KvHeld total(const std::vector<KvHeld>& layers) {
  KvHeld all;
  for (const KvHeld& layer : layers) {
    all.end += layer.end;
    all.peak += layer.peak;
    all.mean += layer.mean;
    all.full += layer.full;
  }
  return all;
}

}  // namespace retort
