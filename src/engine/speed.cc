#include "engine/speed.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <span>

#include "engine/philox.h"
#include "engine/sampler.h"

namespace retort {
namespace {

using Clock = std::chrono::steady_clock;

std::vector<std::int32_t> random_tokens(std::int64_t n, std::int64_t vocab, std::uint64_t sequence) {
  std::vector<std::int32_t> out(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) {
    out[i] =
        static_cast<std::int32_t>(uniform(1, sequence, static_cast<std::uint32_t>(i), 0) * static_cast<double>(vocab));
  }
  return out;
}

// Lets the blocks of the first kRepeatedTokens positions stand for all others below `length`.
Status repeat_blocks(SequenceKv& kv, std::int64_t length) {
  constexpr std::int64_t kBlocks = kRepeatedTokens / kv_block_positions();
  static_assert(kRepeatedTokens % kv_block_positions() == 0);
  const std::int64_t rest = length - kRepeatedTokens;
  RETORT_TRY_STATUS(kv.reserve(rest));
  const std::int64_t blocks = (length + kv_block_positions() - 1) / kv_block_positions();
  for (std::int64_t layer = 0; layer < kv.layouts().layers(); ++layer) {
    for (std::int64_t i = kBlocks; i < blocks; ++i) {
      std::memcpy(kv.block(layer, i), kv.block(layer, i % kBlocks),
                  static_cast<std::size_t>(kv.layouts().block_bytes(layer)));
    }
  }
  kv.advance(rest);
  return {};
}

// One repetition's state: some sequences, each with its cache.
class Bench {
 public:
  Bench(const Model& model, const SpeedTest& test, const SpeedOptions& options)
      : model_(model), test_(test), options_(options), counts_(model.config().vocab_size) {
    const std::int64_t length = test.n_depth + test.n_prompt + test.n_gen;
    for (std::int64_t i = 0; i < test.n_seqs; ++i) {
      caches_.push_back(make_sequence_kv(model.config(), options.kv_cache_type, length));
      prompts_.push_back(random_tokens(test.n_depth + test.n_prompt, model.config().vocab_size, i));
    }
    last_.assign(test.n_seqs, 1);
  }

  // Everything before what is timed.
  Status fill(const CancelToken& cancel) {
    const bool repeats = options_.depth_fill == DepthFill::kRepeat && test_.n_depth > kRepeatedTokens;
    for (std::int64_t i = 0; i < test_.n_seqs; ++i) {
      RETORT_TRY_STATUS(run_prompt(i, 0, repeats ? kRepeatedTokens : test_.n_depth, cancel));
      if (repeats) RETORT_TRY_STATUS(repeat_blocks(*caches_[i], test_.n_depth));
    }
    return {};
  }

  Status run(const CancelToken& cancel) {
    for (auto& cache : caches_) cache->truncate(test_.n_depth);
    if (test_.n_prompt > 0) {
      for (std::int64_t i = 0; i < test_.n_seqs; ++i) {
        RETORT_TRY_STATUS(run_prompt(i, test_.n_depth, test_.n_prompt, cancel));
      }
      // Its last token's logits: what an answer begins with.
      std::vector<float> logits(model_.config().vocab_size);
      model_.logits(std::span(hidden_).last(model_.config().hidden_size), logits);
      return {};
    }
    for (std::int64_t i = 0; i < test_.n_gen; ++i) {
      RETORT_TRY_STATUS(cancel.check());
      RETORT_TRY_STATUS(step());
    }
    return {};
  }

 private:
  Status run_prompt(std::int64_t sequence, std::int64_t first, std::int64_t count, const CancelToken& cancel) {
    const std::span<const std::int32_t> tokens = prompts_[sequence];
    for (std::int64_t done = 0; done < count;) {
      RETORT_TRY_STATUS(cancel.check());
      const std::int64_t n = std::min(options_.batch_tokens, count - done);
      hidden_.resize(n * model_.config().hidden_size);
      const SequenceChunk chunk{tokens.subspan(first + done, n), caches_[sequence].get(), first + count};
      RETORT_TRY_STATUS(model_.forward({&chunk, 1}, hidden_));
      done += n;
    }
    return {};
  }

  Status step() {
    const std::int64_t vocab = model_.config().vocab_size;
    std::vector<SequenceChunk> batch;
    for (std::int64_t i = 0; i < test_.n_seqs; ++i) {
      batch.push_back({{&last_[i], 1}, caches_[i].get(), 0, 0});
    }
    hidden_.resize(test_.n_seqs * model_.config().hidden_size);
    logits_.resize(test_.n_seqs * vocab);
    RETORT_TRY_STATUS(model_.forward(batch, hidden_));
    model_.logits(hidden_, logits_);
    for (std::int64_t i = 0; i < test_.n_seqs; ++i) {
      last_[i] = sample_token(std::span(logits_).subspan(i * vocab, vocab), greedy_, counts_, i, 0).id;
    }
    return {};
  }

  const Model& model_;
  const SpeedTest& test_;
  const SpeedOptions& options_;
  const SamplingParams greedy_{.temperature = 0};
  TokenCounts counts_;
  std::vector<std::unique_ptr<SequenceKv>> caches_;
  std::vector<std::vector<std::int32_t>> prompts_;
  std::vector<std::int32_t> last_;
  std::vector<float> hidden_;
  std::vector<float> logits_;
};

// Of one position, in all layers.
double kv_bytes_per_position(const Model& model, KvCacheType type) {
  return static_cast<double>(KvLayouts(model.config(), type).logical_block_bytes()) /
         static_cast<double>(kv_block_positions());
}

Status check_test(const Model& model, const SpeedTest& test, const SpeedOptions& options) {
  if (test.n_prompt < 0 || test.n_gen < 0 || test.n_depth < 0 || test.n_seqs < 1 ||
      (test.n_prompt == 0) == (test.n_gen == 0) || options.repetitions < 1 || options.batch_tokens < 1) {
    return fail(ErrorCode::kInvalidArgument,
                "a test is of n_prompt or n_gen tokens (1 or more) behind n_depth (0 or more), in n_seqs (1 or more) "
                "sequences, with 1 or more repetitions and batch tokens");
  }
  const std::int64_t length = test.n_depth + test.n_prompt + test.n_gen;
  if (length > model.config().max_position_embeddings) {
    return fail(ErrorCode::kOutOfRange, "a test of {} positions exceeds the {} that the model was made for", length,
                model.config().max_position_embeddings);
  }
  return {};
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n == 0 ? 0 : (values[(n - 1) / 2] + values[n / 2]) / 2;
}

}  // namespace

std::vector<double> SpeedResult::tokens_per_second() const {
  std::vector<double> out;
  for (const double s : seconds) out.push_back(static_cast<double>((test.n_prompt + test.n_gen) * test.n_seqs) / s);
  return out;
}

double SpeedResult::median_tokens_per_second() const { return median(tokens_per_second()); }

double SpeedResult::bytes_per_second() const {
  return seconds.empty() ? 0 : bytes_per_step * static_cast<double>(test.n_gen) / median(seconds);
}

Expected<SpeedResult> measure_speed(const Model& model, const SpeedTest& test, const SpeedOptions& options,
                                    const CancelToken& cancel) {
  RETORT_TRY_STATUS(check_test(model, test, options));
  SpeedResult result{.test = test};
  if (test.n_gen > 0) {
    const double positions = static_cast<double>(test.n_depth) + static_cast<double>(test.n_gen + 1) / 2;
    result.bytes_per_step =
        static_cast<double>(model.bytes_per_step()) +
        positions * static_cast<double>(test.n_seqs) * kv_bytes_per_position(model, options.kv_cache_type);
  }
  Bench bench(model, test, options);
  RETORT_TRY_STATUS(bench.fill(cancel));
  for (std::int64_t i = 0; i <= options.repetitions; ++i) {
    const auto start = Clock::now();
    RETORT_TRY_STATUS(bench.run(cancel));
    if (i > 0) result.seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  return result;
}

}  // namespace retort
