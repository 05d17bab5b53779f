// How far a model's predictions are from another's, over a text: the measure of what quantizing cost.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/cancel.h"
#include "core/error.h"
#include "nn/model.h"

namespace retort {

/// Over predictions i: KL_i = sum over the vocabulary of p log(p / q), p the reference's distribution and q the
/// model's, in nats; delta p = q - p of the token that the text goes on with.
struct Divergence {
  std::int64_t predictions = 0;
  double mean_kl = 0;
  double median_kl = 0;
  double kl_90 = 0;  ///< 90th percentile
  double kl_99 = 0;
  double max_kl = 0;
  double same_top = 0;  ///< share of predictions whose likeliest token is the same
  double mean_delta_p = 0;
  double rms_delta_p = 0;
  double perplexity = 0;  ///< the model's
  double reference_perplexity = 0;
};

struct DivergenceResult {
  std::int64_t windows = 0;         ///< done,
  std::int64_t windows_wanted = 0;  ///< of these: fewer only where `cancel` was raised
  Divergence all;                   ///< all context - 1 predictions of each window
  Divergence second_half;           ///< those that llama-perplexity counts: positions from context / 2 on
};

/// Non-overlapping windows of `context` >= 4 tokens; the tokens after the last whole window are left out. `max_windows`
/// 0: all. kInvalidArgument if the vocabularies differ or the text is too short. A raised `cancel` ends it with the
/// windows that are done, or with kCancelled where none is.
/// `kv_cache_type` and `kv_window`: the model's; the reference keeps its own (Model::kv_cache_type), and sees what its
/// configuration says.
Expected<DivergenceResult> divergence(const Model& reference, const Model& model, KvCacheType kv_cache_type,
                                      std::span<const std::int32_t> tokens, std::int64_t context,
                                      std::int64_t max_windows,
                                      const std::function<void(std::int64_t done, std::int64_t all)>& on_window,
                                      const CancelToken& cancel, const KvWindowOptions& kv_window = {});

}  // namespace retort
