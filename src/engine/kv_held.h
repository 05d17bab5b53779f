// How much of the KV cache a sequence holds under its windows.
#pragma once

#include <cstdint>
#include <vector>

#include "nn/kv_cache.h"

namespace retort {

/// One layer's keys and values, in bytes of whole blocks.
struct KvHeld {
  double end = 0;   ///< after the last token
  double peak = 0;  ///< after any token
  double mean = 0;  ///< after each token
  double full = 0;  ///< after the last token, if nothing were given up
};

/// [layers] of a sequence computed token by token up to `kv.length()`.
std::vector<KvHeld> kv_held(const ModelConfig& config, const SequenceKv& kv);
/// Of all layers together.
KvHeld total(const std::vector<KvHeld>& layers);

}  // namespace retort
