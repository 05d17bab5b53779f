#include "engine/scoring.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "core/parallel.h"

namespace retort {
namespace {

// Tokens per forward step: enough that dequantizing a weight is shared by many tokens, few enough that the activations
// of a 32B (27,648 x 2 floats each) stay near 100 MB.
constexpr std::int64_t kChunk = 512;
// Rows of logits held at a time: 128 x 152k floats are 78 MB.
constexpr std::int64_t kLogitRows = 128;

// log p(targets[i] | ...) from the hidden state of the token before it.
void score(const Model& model, std::span<const float> hidden_TH, std::span<const std::int32_t> targets,
           std::vector<float>& logits, double* out) {
  const std::int64_t hidden = model.config().hidden_size;
  const std::int64_t vocab = model.config().vocab_size;
  for (std::size_t first = 0; first < targets.size(); first += kLogitRows) {
    const auto rows = std::min<std::int64_t>(kLogitRows, static_cast<std::int64_t>(targets.size() - first));
    logits.resize(rows * vocab);
    model.logits(hidden_TH.subspan(first * hidden, rows * hidden), logits);
    parallel_for(rows, 1, [&](WorkRange range) {
      for (std::int64_t i = range.begin; i < range.end; ++i) {
        const float* row = logits.data() + i * vocab;
        out[first + i] = static_cast<double>(row[targets[first + i]]) - model.kernels().log_sum_exp(row, vocab);
      }
    });
  }
}

}  // namespace

Expected<std::vector<double>> token_logprobs(const Model& model, KvCacheType kv_cache_type,
                                             std::span<const std::int32_t> tokens, const CancelToken& cancel,
                                             const KvWindowOptions& kv_window, std::vector<KvHeld>* held) {
  RETORT_TRY_STATUS(check_kv_window_options(kv_window, model.config().num_hidden_layers));
  std::vector<double> logprobs(tokens.empty() ? 0 : tokens.size() - 1);
  const auto kv = make_sequence_kv(model.config(), kv_cache_type, static_cast<std::int64_t>(tokens.size()), kv_window);
  std::vector<float> hidden;
  std::vector<float> logits;
  // The last token predicts nothing here, so it is not run.
  for (std::size_t first = 0; first < logprobs.size(); first += kChunk) {
    RETORT_TRY_STATUS(cancel.check());
    const std::size_t count = std::min<std::size_t>(kChunk, logprobs.size() - first);
    hidden.resize(count * model.config().hidden_size);
    const SequenceChunk chunk{tokens.subspan(first, count), kv.get(), static_cast<std::int64_t>(tokens.size())};
    RETORT_TRY_STATUS(model.forward({&chunk, 1}, hidden));
    const std::int32_t last_target = tokens[first + count];
    if (last_target < 0 || last_target >= model.config().vocab_size) {
      return fail(ErrorCode::kOutOfRange, "token id {} is outside the vocabulary of {}", last_target,
                  model.config().vocab_size);
    }
    score(model, hidden, tokens.subspan(first + 1, count), logits, logprobs.data() + first);
  }
  if (held != nullptr) *held = kv_held(model.config(), *kv);
  return logprobs;
}

namespace {

// Adds a window to the average of the `before` ones.
void add_window(const std::vector<KvHeld>& held, std::int64_t before, std::vector<KvHeld>& into) {
  const auto share = 1 / static_cast<double>(before + 1);
  into.resize(held.size());
  for (std::size_t i = 0; i < held.size(); ++i) {
    into[i].end += (held[i].end - into[i].end) * share;
    into[i].peak = std::max(into[i].peak, held[i].peak);
    into[i].mean += (held[i].mean - into[i].mean) * share;
    into[i].full += (held[i].full - into[i].full) * share;
  }
}

}  // namespace

Expected<std::int64_t> count_windows(std::int64_t tokens, std::int64_t context, std::int64_t longest,
                                     std::int64_t max_windows) {
  if (context < 4 || context > longest) {
    return fail(ErrorCode::kInvalidArgument, "the context must be 4 to {} tokens but is {}", longest, context);
  }
  const std::int64_t filled = tokens / context;
  if (filled == 0) {
    return fail(ErrorCode::kInvalidArgument,
                "the text has {} tokens, which do not fill one window of {}; give more text or a smaller --ctx", tokens,
                context);
  }
  return max_windows > 0 ? std::min(filled, max_windows) : filled;
}

Expected<PerplexityResult> perplexity(const Model& model, KvCacheType kv_cache_type,
                                      std::span<const std::int32_t> tokens, std::int64_t context,
                                      std::int64_t max_windows,
                                      const std::function<void(std::int64_t, std::int64_t)>& on_window,
                                      const CancelToken& cancel, const KvWindowOptions& kv_window) {
  PerplexityResult result;
  RETORT_TRY(result.windows_wanted, count_windows(static_cast<std::int64_t>(tokens.size()), context,
                                                  model.config().max_position_embeddings, max_windows));
  const auto start = std::chrono::steady_clock::now();
  double sum_all = 0;
  double sum_half = 0;
  // llama-perplexity looks at the predictions made from positions context / 2 to context - 2.
  const std::int64_t half = context / 2;
  while (result.windows < result.windows_wanted) {
    std::vector<KvHeld> held;
    const auto logprobs = token_logprobs(model, kv_cache_type, tokens.subspan(result.windows * context, context),
                                         cancel, kv_window, &held);
    if (!logprobs && logprobs.error().code() == ErrorCode::kCancelled && result.windows > 0) break;
    if (!logprobs) return fail(logprobs.error());
    add_window(held, result.windows, result.kv_held);
    for (std::int64_t i = 0; i < context - 1; ++i) {
      sum_all += (*logprobs)[i];
      if (i >= half) sum_half += (*logprobs)[i];
    }
    result.logprobs.insert(result.logprobs.end(), logprobs->begin(), logprobs->end());
    result.tokens += context;
    ++result.windows;
    if (on_window) on_window(result.windows, result.windows_wanted);
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  result.perplexity = std::exp(-sum_all / static_cast<double>(result.windows * (context - 1)));
  result.perplexity_second_half = std::exp(-sum_half / static_cast<double>(result.windows * (context - 1 - half)));
  return result;
}

}  // namespace retort
