// The log-probability of every token of a text: perplexity, and later evaluation by likelihood and rewards.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/cancel.h"
#include "core/error.h"
#include "engine/kv_held.h"
#include "nn/model.h"

namespace retort {

/// logprobs[i] = log p(tokens[i + 1] | tokens[0..i]), natural log, i < tokens.size() - 1. fp32 logits, sums in double.
/// `held`, unless null, gets what each layer holds of its keys and values [layers].
Expected<std::vector<double>> token_logprobs(const Model& model, KvCacheType kv_cache_type,
                                             std::span<const std::int32_t> tokens, const CancelToken& cancel,
                                             const KvWindowOptions& kv_window = {},
                                             std::vector<KvHeld>* held = nullptr);

/// Windows of `context` tokens that a text of `tokens` fills, no more than `max_windows` unless that is 0.
/// kInvalidArgument where `context` is not 4 to `longest`, or none is filled.
Expected<std::int64_t> count_windows(std::int64_t tokens, std::int64_t context, std::int64_t longest,
                                     std::int64_t max_windows);

/// Over non-overlapping windows of one text.
struct PerplexityResult {
  double perplexity = 0;              ///< all context - 1 predictions of each window
  double perplexity_second_half = 0;  ///< as llama-perplexity counts: positions from context / 2 on
  std::int64_t windows = 0;           ///< done,
  std::int64_t windows_wanted = 0;    ///< of these: fewer only where `cancel` was raised
  std::int64_t tokens = 0;            ///< run through the model
  double seconds = 0;
  std::vector<double> logprobs;  ///< [windows, context - 1]
  std::vector<KvHeld> kv_held;   ///< [layers] on average over the windows; the largest peak
};

/// `context` >= 4 tokens per window; the tokens after the last whole window are left out. `on_window` tells progress.
/// A raised `cancel` ends it with the windows that are done, or with kCancelled where none is.
Expected<PerplexityResult> perplexity(const Model& model, KvCacheType kv_cache_type,
                                      std::span<const std::int32_t> tokens, std::int64_t context,
                                      std::int64_t max_windows,
                                      const std::function<void(std::int64_t done, std::int64_t all)>& on_window,
                                      const CancelToken& cancel, const KvWindowOptions& kv_window = {});

}  // namespace retort
