// How fast a model runs here, in llama-bench's measures: prompts of n_prompt tokens, n_gen tokens one after another,
// both behind n_depth tokens that are there already; and several sequences at once, as llama-batched-bench does.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/cancel.h"
#include "core/error.h"
#include "nn/model.h"

namespace retort {

struct SpeedTest {
  std::int64_t n_prompt = 0;  ///< either this
  std::int64_t n_gen = 0;     ///< or that is 0
  std::int64_t n_depth = 0;
  std::int64_t n_seqs = 1;  ///< sequences that generate side by side
};

struct SpeedResult {
  SpeedTest test;
  std::vector<double> seconds;  ///< of each repetition
  /// Bytes that a step of generation reads, on average over the test: every weight once, and every sequence's keys and
  /// values. 0 for prompts.
  double bytes_per_step = 0;

  [[nodiscard]] std::vector<double> tokens_per_second() const;
  [[nodiscard]] double median_tokens_per_second() const;
  /// Of the median repetition; 0 for prompts.
  [[nodiscard]] double bytes_per_second() const;
};

/// How the tokens that are there already come to be there.
enum class DepthFill {
  kCompute,
  /// The first kRepeatedTokens are computed, and their keys and values stand for all that follow, again and again: what
  /// comes behind reads as many bytes and takes the same time, and a 32B's 32,768 tokens are there in minutes.
  kRepeat,
};
inline constexpr std::int64_t kRepeatedTokens = 512;

struct SpeedOptions {
  std::int64_t repetitions = 5;
  KvCacheType kv_cache_type = KvCacheType::kBf16;
  std::int64_t batch_tokens = 512;  ///< tokens of a prompt that run in one step
  DepthFill depth_fill = DepthFill::kCompute;
};

/// Tokens are random but fixed. Unlike llama-bench, a generated token is sampled (greedily) from its logits, and is the
/// next input: everything that a user waits for is in the time. A first, untimed repetition warms up.
Expected<SpeedResult> measure_speed(const Model& model, const SpeedTest& test, const SpeedOptions& options,
                                    const CancelToken& cancel);

}  // namespace retort
