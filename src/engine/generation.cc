#include "engine/generation.h"

#include <algorithm>
#include <chrono>

#include "core/units.h"

namespace retort {
namespace {

// Tokens per forward step of a prompt: enough that reading and widening a weight is shared by many tokens, few enough
// that Ctrl-C is heeded within seconds on a slow machine.
constexpr std::size_t kPrefillChunk = 256;

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

Status check_ids(std::span<const std::int32_t> ids, std::int64_t vocab) {
  for (const std::int32_t id : ids) {
    if (id < 0 || id >= vocab) {
      return fail(ErrorCode::kOutOfRange, "token id {} is outside the model's vocabulary of {}", id, vocab);
    }
  }
  return {};
}

std::size_t common_prefix(std::span<const std::int32_t> a, std::span<const std::int32_t> b) {
  return std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
}

}  // namespace

Status check_generation_request(const GenerationRequest& request, const ModelConfig& config,
                                std::int64_t max_model_len) {
  if (request.prompt.empty()) {
    return fail(ErrorCode::kInvalidArgument, "the prompt is empty; give at least one token");
  }
  if (request.max_tokens < 1 && request.max_tokens != -1) {
    return fail(ErrorCode::kInvalidArgument,
                "max_tokens must be 1 or more, or -1 for what the context leaves, but is {}", request.max_tokens);
  }
  RETORT_TRY_STATUS(check(request.sampling));
  RETORT_TRY_STATUS(check_ids(request.prompt, config.vocab_size));
  RETORT_TRY_STATUS(check_ids(request.forced_prefix, config.vocab_size));
  RETORT_TRY_STATUS(check_ids(request.sampling.logprob_token_ids, config.vocab_size));
  const auto prompt = static_cast<std::int64_t>(request.prompt.size());
  const auto forced = static_cast<std::int64_t>(request.forced_prefix.size());
  if (prompt + forced < max_model_len) return {};
  const std::string what = forced == 0 ? fmt::format("the prompt has {} tokens", format_grouped(prompt))
                                       : fmt::format("the prompt has {} tokens, the forced beginning of the answer {},",
                                                     format_grouped(prompt), format_grouped(forced));
  return fail(ErrorCode::kOutOfRange, "{} and --max-model-len is {}: no token of an answer fits; shorten the prompt{}",
              what, format_grouped(max_model_len),
              max_model_len < config.max_position_embeddings
                  ? fmt::format(" or raise --max-model-len (this model takes up to {})",
                                format_grouped(config.max_position_embeddings))
                  : " (this model takes no more)");
}

GenerationSession::GenerationSession(std::shared_ptr<const Model> model, std::int64_t max_model_len,
                                     std::optional<KvCacheType> kv_cache_type)
    : model_(std::move(model)), max_model_len_(model_->config().max_position_embeddings) {
  if (max_model_len > 0) max_model_len_ = std::min(max_model_len_, max_model_len);
  kv_ = make_sequence_kv(model_->config(), kv_cache_type.value_or(model_->kv_cache_type()), max_model_len_);
}

// Keeps what the cache shares with `tokens`; the last of them is always run, since its hidden state is wanted.
std::int64_t GenerationSession::reuse(std::span<const std::int32_t> tokens, std::int64_t prompt_length) {
  std::size_t keep = std::min(common_prefix(computed_, tokens), tokens.size() - 1);
  // "dynamic" RoPE turns keys by frequencies of the whole length once it exceeds the original one: keys that were
  // computed at another length are not those that a fresh start would compute.
  const ModelConfig& config = model_->config();
  if (config.rope_scaling.kind == RopeScalingKind::kDynamic) {
    const std::int64_t original = config.rope_scaling.original_max_position_embeddings > 0
                                      ? config.rope_scaling.original_max_position_embeddings
                                      : config.max_position_embeddings;
    if (static_cast<std::int64_t>(std::max(computed_.size(), tokens.size())) > original) keep = 0;
  }
  // What was generated is prompt now, and the other way round: of another recipe.
  if (model_->has_prompt_recipe() && prompt_length != prompt_length_) {
    keep = std::min(keep, static_cast<std::size_t>(std::min(prompt_length, prompt_length_)));
  }
  prompt_length_ = prompt_length;
  kv_->truncate(static_cast<std::int64_t>(keep));
  computed_.resize(keep);
  return static_cast<std::int64_t>(keep);
}

// Runs `tokens` behind what is computed, and leaves the last one's hidden state in hidden_. False: cancelled on the
// way.
Expected<bool> GenerationSession::run(std::span<const std::int32_t> tokens, const CancelToken& cancel) {
  const std::int64_t width = model_->config().hidden_size;
  const auto whole_length = static_cast<std::int64_t>(computed_.size() + tokens.size());
  for (std::size_t first = 0; first < tokens.size();) {
    if (cancel.cancelled()) return false;
    const auto chunk_tokens = tokens.subspan(first, std::min(kPrefillChunk, tokens.size() - first));
    hidden_.resize(chunk_tokens.size() * width);
    const SequenceChunk chunk{chunk_tokens, kv_.get(), whole_length, prompt_length_};
    RETORT_TRY_STATUS(model_->forward({&chunk, 1}, hidden_));
    computed_.insert(computed_.end(), chunk_tokens.begin(), chunk_tokens.end());
    first += chunk_tokens.size();
  }
  hidden_.erase(hidden_.begin(), hidden_.end() - width);
  return true;
}

Expected<GenerationResult> GenerationSession::generate(const GenerationRequest& request,
                                                       const std::function<OnToken(const SampledToken&)>& on_token,
                                                       const CancelToken& cancel) {
  const ModelConfig& config = model_->config();
  RETORT_TRY_STATUS(check_generation_request(request, config, max_model_len_));
  const auto start = Clock::now();
  const auto prompt = static_cast<std::int64_t>(request.prompt.size());
  const auto forced = static_cast<std::int64_t>(request.forced_prefix.size());
  std::int64_t limit = max_model_len_ - prompt;
  if (request.max_tokens > 0) limit = std::min(limit, request.max_tokens);

  GenerationResult result;
  TokenCounts counts(config.vocab_size);
  counts.add_prompt(request.prompt);
  // The answer's next token is known: count it, tell it. True: that was the last.
  const auto take = [&](const SampledToken& token) {
    result.output.push_back(token.id);
    counts.add_output(token.id);
    if (on_token && on_token(token) == OnToken::kStop) {
      result.finish_reason = FinishReason::kStop;
      return true;
    }
    result.finish_reason = FinishReason::kLength;
    return static_cast<std::int64_t>(result.output.size()) >= limit;
  };
  const auto finish = [&](FinishReason reason) {
    result.finish_reason = reason;
    const double all = seconds_since(start);
    if (result.prefill_seconds == 0) result.prefill_seconds = all;
    result.decode_seconds = all - result.prefill_seconds;
    return std::move(result);
  };

  // Forced tokens run with the prompt, unless their log-probabilities are wanted: then they go one by one below.
  std::vector<std::int32_t> tokens = request.prompt;
  const std::int64_t forced_with_prompt = request.sampling.logprobs < 0 ? forced : 0;
  tokens.insert(tokens.end(), request.forced_prefix.begin(), request.forced_prefix.begin() + forced_with_prompt);
  result.reused_tokens = std::min(reuse(tokens, prompt + forced_with_prompt), prompt);
  RETORT_TRY(bool done, run(std::span(tokens).subspan(computed_.size()), cancel));
  if (!done) return finish(FinishReason::kCancelled);
  for (std::int64_t i = 0; i < forced_with_prompt; ++i) {
    if (take({.id = request.forced_prefix[i], .logprob = 0, .top = {}})) return finish(result.finish_reason);
  }

  std::vector<float> logits(config.vocab_size);
  for (;;) {
    model_->logits(hidden_, logits);
    const auto at = static_cast<std::int64_t>(result.output.size());
    const bool is_forced = at < forced;
    const SampledToken token = is_forced ? score_token(logits, request.forced_prefix[at], request.sampling)
                                         : sample_token(logits, request.sampling, counts, request.sequence,
                                                        static_cast<std::uint32_t>(prompt + at));
    if (result.prefill_seconds == 0) result.prefill_seconds = seconds_since(start);
    if (!is_forced && request.eos == GenerationRequest::Eos::kStop &&
        std::find(request.stop_token_ids.begin(), request.stop_token_ids.end(), token.id) !=
            request.stop_token_ids.end()) {
      result.stop_token = token.id;
      return finish(FinishReason::kStop);
    }
    if (take(token)) return finish(result.finish_reason);
    RETORT_TRY(done, run({&token.id, 1}, cancel));
    if (!done) return finish(FinishReason::kCancelled);
  }
}

}  // namespace retort
