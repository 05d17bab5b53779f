#include "engine/divergence.h"

#include <algorithm>
#include <cmath>

#include "core/parallel.h"
#include "engine/scoring.h"

namespace retort {
namespace {

constexpr std::int64_t kLogitRows = 64;

// One prediction.
struct Sample {
  double kl = 0;
  double logprob = 0;  // of the text's next token
  double reference_logprob = 0;
  bool same_top = false;
};

Sample compare(const KernelTable& kernels, std::span<const float> reference, std::span<const float> row,
               std::int32_t next) {
  const auto vocab = static_cast<std::int64_t>(row.size());
  const double reference_sum = kernels.log_sum_exp(reference.data(), vocab);
  const double sum = kernels.log_sum_exp(row.data(), vocab);
  Sample out;
  for (std::int64_t i = 0; i < vocab; ++i) {
    const double log_p = static_cast<double>(reference[i]) - reference_sum;
    if (log_p < -40) continue;  // weighs less than 1e-17
    out.kl += std::exp(log_p) * (log_p - (static_cast<double>(row[i]) - sum));
  }
  out.logprob = static_cast<double>(row[next]) - sum;
  out.reference_logprob = static_cast<double>(reference[next]) - reference_sum;
  out.same_top = kernels.argmax(row.data(), vocab) == kernels.argmax(reference.data(), vocab);
  return out;
}

Expected<std::vector<float>> hidden_states(const Model& model, KvCacheType kv_cache_type,
                                           const KvWindowOptions& kv_window, std::span<const std::int32_t> tokens) {
  const auto length = static_cast<std::int64_t>(tokens.size());
  const auto kv = make_sequence_kv(model.config(), kv_cache_type, length, kv_window);
  std::vector<float> hidden(tokens.size() * model.config().hidden_size);
  const SequenceChunk chunk{tokens, kv.get(), length};
  RETORT_TRY_STATUS(model.forward({&chunk, 1}, hidden));
  return hidden;
}

// The context - 1 predictions of a window.
Expected<std::vector<Sample>> compare_window(const Model& reference, const Model& model, KvCacheType kv_cache_type,
                                             const KvWindowOptions& kv_window, std::span<const std::int32_t> tokens) {
  const std::int64_t vocab = model.config().vocab_size;
  RETORT_TRY(const std::vector<float> reference_hidden,
             hidden_states(reference, reference.kv_cache_type(), {}, tokens));
  RETORT_TRY(const std::vector<float> hidden, hidden_states(model, kv_cache_type, kv_window, tokens));
  std::vector<Sample> samples(tokens.size() - 1);
  std::vector<float> reference_logits(kLogitRows * vocab);
  std::vector<float> logits(kLogitRows * vocab);
  const auto all = static_cast<std::int64_t>(samples.size());
  for (std::int64_t first = 0; first < all; first += kLogitRows) {
    const std::int64_t rows = std::min(kLogitRows, all - first);
    const auto take = [&](const Model& m, const std::vector<float>& from, std::vector<float>& to) {
      const std::int64_t width = m.config().hidden_size;
      m.logits(std::span(from).subspan(first * width, rows * width), std::span(to).first(rows * vocab));
    };
    take(reference, reference_hidden, reference_logits);
    take(model, hidden, logits);
    parallel_for(rows, 1, [&](WorkRange range) {
      for (std::int64_t i = range.begin; i < range.end; ++i) {
        samples[first + i] = compare(model.kernels(), std::span(reference_logits).subspan(i * vocab, vocab),
                                     std::span(logits).subspan(i * vocab, vocab), tokens[first + i + 1]);
      }
    });
  }
  return samples;
}

Divergence summarize(const std::vector<Sample>& samples) {
  Divergence out;
  out.predictions = static_cast<std::int64_t>(samples.size());
  const auto n = static_cast<double>(samples.size());
  std::vector<double> kl;
  double logprobs = 0;
  double reference_logprobs = 0;
  double squares = 0;
  for (const Sample& s : samples) {
    kl.push_back(s.kl);
    out.mean_kl += s.kl / n;
    out.same_top += s.same_top ? 1 / n : 0;
    const double delta = std::exp(s.logprob) - std::exp(s.reference_logprob);
    out.mean_delta_p += delta / n;
    squares += delta * delta / n;
    logprobs += s.logprob;
    reference_logprobs += s.reference_logprob;
  }
  std::sort(kl.begin(), kl.end());
  const auto percentile = [&](double share) { return kl[static_cast<std::size_t>(share * (n - 1))]; };
  out.median_kl = percentile(0.5);
  out.kl_90 = percentile(0.9);
  out.kl_99 = percentile(0.99);
  out.max_kl = kl.back();
  out.rms_delta_p = std::sqrt(squares);
  out.perplexity = std::exp(-logprobs / n);
  out.reference_perplexity = std::exp(-reference_logprobs / n);
  return out;
}

}  // namespace

Expected<DivergenceResult> divergence(const Model& reference, const Model& model, KvCacheType kv_cache_type,
                                      std::span<const std::int32_t> tokens, std::int64_t context,
                                      std::int64_t max_windows,
                                      const std::function<void(std::int64_t, std::int64_t)>& on_window,
                                      const CancelToken& cancel, const KvWindowOptions& kv_window) {
  RETORT_TRY_STATUS(check_kv_window_options(kv_window, model.config().num_hidden_layers));
  if (reference.config().vocab_size != model.config().vocab_size) {
    return fail(ErrorCode::kInvalidArgument,
                "the reference has a vocabulary of {} and the model one of {}: they cannot be compared",
                reference.config().vocab_size, model.config().vocab_size);
  }
  const std::int64_t longest =
      std::min(reference.config().max_position_embeddings, model.config().max_position_embeddings);
  DivergenceResult result;
  RETORT_TRY(result.windows_wanted,
             count_windows(static_cast<std::int64_t>(tokens.size()), context, longest, max_windows));
  std::vector<Sample> all;
  std::vector<Sample> second_half;
  while (result.windows < result.windows_wanted) {
    if (cancel.cancelled() && result.windows > 0) break;
    RETORT_TRY_STATUS(cancel.check());
    RETORT_TRY(const std::vector<Sample> samples, compare_window(reference, model, kv_cache_type, kv_window,
                                                                 tokens.subspan(result.windows * context, context)));
    all.insert(all.end(), samples.begin(), samples.end());
    second_half.insert(second_half.end(), samples.begin() + context / 2, samples.end());
    ++result.windows;
    if (on_window) on_window(result.windows, result.windows_wanted);
  }
  result.all = summarize(all);
  result.second_half = summarize(second_half);
  return result;
}

}  // namespace retort
