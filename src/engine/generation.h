// One sequence from prompt to end: the plain loop that the batching engine has to agree with, token by token. No
// command uses it; the tests' oracle does.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/cancel.h"
#include "core/error.h"
#include "engine/finish_reason.h"
#include "engine/sampler.h"
#include "nn/model.h"

namespace retort {

struct GenerationRequest {
  std::vector<std::int32_t> prompt;  ///< at least one token
  /// What the answer must begin with: taken as the first output tokens, whatever their probability.
  std::vector<std::int32_t> forced_prefix;
  SamplingParams sampling;
  std::int64_t max_tokens = -1;              ///< output tokens, forced ones included; -1: what the context leaves
  std::vector<std::int64_t> stop_token_ids;  ///< end-of-sequence ids and others; not part of the output
  enum class Eos { kStop, kIgnore } eos = Eos::kStop;  ///< kIgnore: stop_token_ids are ordinary tokens
  std::uint64_t sequence = 0;                          ///< keys the random numbers together with the seed
};

struct GenerationResult {
  std::vector<std::int32_t> output;
  FinishReason finish_reason = FinishReason::kLength;
  std::int32_t stop_token = -1;    ///< the stop token that ended it, or -1
  std::int64_t reused_tokens = 0;  ///< prompt tokens that were in the cache already
  double prefill_seconds = 0;      ///< up to the first token that is not forced with the prompt
  double decode_seconds = 0;       ///< after the first token
};

/// Keep: go on; kStop: the caller has what it wanted (a stop string), finish_reason kStop.
enum class OnToken { kContinue, kStop };

/// kInvalidArgument or kOutOfRange naming what the request asks for and what is possible.
Status check_generation_request(const GenerationRequest& request, const ModelConfig& config,
                                std::int64_t max_model_len);

/// Holds one sequence's cache across turns: a prompt that begins with what was computed before reuses that part.
/// One thread at a time.
class GenerationSession {
 public:
  /// `max_model_len`: prompt + output; 0, or more than it: the model's max_position_embeddings.
  /// `kv_cache_type`: none for the model's own.
  GenerationSession(std::shared_ptr<const Model> model, std::int64_t max_model_len,
                    std::optional<KvCacheType> kv_cache_type = std::nullopt);

  /// kOutOfRange where prompt + forced prefix leave no room for a token, stating both numbers: nothing is ever cut.
  /// `on_token` sees every output token, the forced ones too, as soon as it is known. A raised `cancel` ends it between
  /// two steps with kCancelled and what there is by then, which is no error. The same request gives the same tokens
  /// whatever the session ran before.
  Expected<GenerationResult> generate(const GenerationRequest& request,
                                      const std::function<OnToken(const SampledToken&)>& on_token,
                                      const CancelToken& cancel);
  [[nodiscard]] std::int64_t max_model_len() const { return max_model_len_; }

 private:
  std::int64_t reuse(std::span<const std::int32_t> tokens, std::int64_t prompt_length);
  Expected<bool> run(std::span<const std::int32_t> tokens, const CancelToken& cancel);

  std::shared_ptr<const Model> model_;
  std::int64_t max_model_len_;
  std::unique_ptr<SequenceKv> kv_;
  std::vector<std::int32_t> computed_;  ///< the tokens whose K and V are in kv_
  std::int64_t prompt_length_ = 0;      ///< those before it were computed by the prompt's recipe
  std::vector<float> hidden_;           ///< [hidden_size], of the token run last
};

}  // namespace retort
