// From a row of logits to a token.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/error.h"

namespace retort {

/// Names, ranges and meaning as in vLLM's SamplingParams.
struct SamplingParams {
  double temperature = 1.0;         ///< >= 0; below 1e-5: greedy, of equals the lowest id
  double top_p = 1.0;               ///< (0, 1]
  std::int64_t top_k = 0;           ///< 0 or -1: all; tokens that tie with the k-th stay
  double min_p = 0.0;               ///< [0, 1]: at least this share of the likeliest token's probability
  double repetition_penalty = 1.0;  ///< > 0; tokens of prompt and output, Keskar et al. (CTRL)
  double presence_penalty = 0.0;    ///< [-2, 2]; tokens of the output
  double frequency_penalty = 0.0;   ///< [-2, 2]; per occurrence in the output
  std::uint64_t seed = 0;
  std::int64_t logprobs = -1;  ///< -1: none; n: the sampled token's and the n likeliest
  /// Unless empty: ids whose log-probabilities are told in place of the likeliest tokens'. Needs logprobs >= 0.
  std::vector<std::int32_t> logprob_token_ids;
};

/// kInvalidArgument naming the parameter, its range and what was given. Whether ids are of the vocabulary is
/// check_generation_request()'s to say.
Status check(const SamplingParams& params);

struct TokenLogprob {
  std::int32_t id = 0;
  double logprob = 0;  ///< natural log, of the raw distribution: before penalties, temperature and truncation
};

struct SampledToken {
  std::int32_t id = 0;
  double logprob = 0;             ///< as above; only where params.logprobs >= 0
  std::vector<TokenLogprob> top;  ///< likeliest first, ties by lower id; or params.logprob_token_ids in their order
};

/// How often each token came so far; penalties read it.
class TokenCounts {
 public:
  explicit TokenCounts(std::int64_t vocab_size);
  void add_prompt(std::span<const std::int32_t> ids);
  void add_output(std::int32_t id);
  [[nodiscard]] const std::vector<std::int32_t>& seen() const;  ///< distinct ids, each once
  [[nodiscard]] bool in_prompt(std::int32_t id) const;
  [[nodiscard]] std::int32_t output_count(std::int32_t id) const;

 private:
  std::vector<std::int32_t> output_count_;  ///< [vocab]
  std::vector<std::uint8_t> in_prompt_;     ///< [vocab]
  std::vector<std::int32_t> seen_;
};

/// Pure: the token depends on logits, params, counts, `sequence` and `position` alone (see engine/philox.h).
/// `logits` [vocab] is scratch and is changed. Order: penalties, temperature, min_p, top_k, top_p, draw. NaN logits
/// count as -infinity; tokens at +infinity share everything; a row of nothing but -infinity is uniform. `params` pass
/// check(), and `logits` is not empty.
SampledToken sample_token(std::span<float> logits, const SamplingParams& params, const TokenCounts& counts,
                          std::uint64_t sequence, std::uint32_t position);

/// Token `id` with its log-probability and what `params` want to be told besides, as sample_token() would report them,
/// though it was not drawn.
SampledToken score_token(std::span<float> logits, std::int32_t id, const SamplingParams& params);

}  // namespace retort
