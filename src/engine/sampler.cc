#include "engine/sampler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "engine/nucleus.h"
#include "engine/philox.h"
#include "engine/softmax.h"

// Every truncation is a lower bound on the logit, so nothing is ever sorted as a whole:
//
//   min_p: x >= max + T log(min_p)
//   top_k: x >= the k-th largest x; ties with it stay, as in vLLM and Hugging Face
//   top_p: over what is left, a token stays while the tokens before it (likelier ones; of equals the lower id) hold
//          less than top_p of the mass. Looked for (nucleus.h) among the tokens that can be in it.
//
// The draw then walks what is left in order of ids.

namespace retort {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
// vLLM's _SAMPLING_EPS: a temperature below it means greedy.
constexpr double kGreedyBelow = 1e-5;

// NaN becomes -infinity. Rows that softmax could not take become what their limit is: +infinity shares everything
// among those that have it, and a row of -infinity is uniform. Returns the largest logit, finite from here on.
float make_finite(std::span<float> logits) {
  const std::span<const float> row = logits;
  float largest = row_max(row);
  if (std::isnan(largest)) {
    std::replace_if(
        logits.begin(), logits.end(), [](float x) { return std::isnan(x); }, -kInfinity);
    largest = row_max(row);
  }
  if (std::isinf(largest)) {
    for (float& x : logits) x = x == largest ? 0.0f : -kInfinity;
    largest = 0.0f;
  }
  return largest;
}

void apply_penalties(std::span<float> logits, const SamplingParams& params, const TokenCounts& counts) {
  for (const std::int32_t id : counts.seen()) {
    double x = logits[id];
    x = x > 0 ? x / params.repetition_penalty : x * params.repetition_penalty;
    if (const std::int32_t n = counts.output_count(id); n > 0) {
      x -= params.frequency_penalty * n + params.presence_penalty;
    }
    logits[id] = static_cast<float>(x);
  }
}

bool has_penalties(const SamplingParams& params) {
  return params.repetition_penalty != 1.0 || params.presence_penalty != 0.0 || params.frequency_penalty != 0.0;
}

std::int32_t pick(std::span<const float> logits, float largest, const SamplingParams& params, std::uint64_t sequence,
                  std::uint32_t position) {
  if (params.temperature < kGreedyBelow) return first_of(logits, largest);
  double bound = -kInfinity;
  if (params.min_p > 0) bound = largest + params.temperature * std::log(params.min_p);
  if (params.top_k > 0 && params.top_k < static_cast<std::int64_t>(logits.size())) {
    bound = std::max<double>(bound, kth_largest(logits, params.top_k));
  }
  const Softmax softmax(logits, largest, params.temperature, bound);
  const double u = uniform(params.seed, sequence, position, 0);
  return params.top_p < 1.0 ? softmax.up_to(last_in_nucleus(softmax, params.top_p)).draw(u) : softmax.draw(u);
}

// Logits before penalties, with what their log-probabilities need.
SampledToken raw_top(std::span<const float> logits, float largest, const SamplingParams& params, double& log_total) {
  log_total = std::log(Softmax(logits, largest, 1.0, -kInfinity).total()) + largest;
  SampledToken token;
  const auto log_probability = [&](std::size_t i) { return logits[i] - log_total; };
  for (const std::int32_t id : params.logprob_token_ids) token.top.push_back({id, log_probability(id)});
  if (!params.logprob_token_ids.empty()) return token;
  if (params.logprobs <= 0) return token;
  const std::size_t count = std::min(static_cast<std::size_t>(params.logprobs), logits.size());
  const float least = kth_largest(logits, static_cast<std::int64_t>(count));
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] > least) token.top.push_back({static_cast<std::int32_t>(i), log_probability(i)});
  }
  for (std::size_t i = 0; i < logits.size() && token.top.size() < count; ++i) {
    if (logits[i] == least) token.top.push_back({static_cast<std::int32_t>(i), log_probability(i)});
  }
  std::sort(token.top.begin(), token.top.end(), [](const TokenLogprob& a, const TokenLogprob& b) {
    return a.logprob != b.logprob ? a.logprob > b.logprob : a.id < b.id;
  });
  return token;
}

Status check_range(const char* name, double value, double low, double high, const char* range) {
  if (value >= low && value <= high) return {};  // false for NaN
  return fail(ErrorCode::kInvalidArgument, "{} must be {} but is {}", name, range, value);
}

}  // namespace

Status check(const SamplingParams& params) {
  constexpr double kHuge = std::numeric_limits<double>::max();
  constexpr double kTiny = std::numeric_limits<double>::denorm_min();
  RETORT_TRY_STATUS(check_range("temperature", params.temperature, 0, kHuge, "a number from 0 (greedy) up"));
  RETORT_TRY_STATUS(check_range("top_p", params.top_p, kTiny, 1, "above 0 and at most 1"));
  RETORT_TRY_STATUS(check_range("min_p", params.min_p, 0, 1, "from 0 to 1"));
  RETORT_TRY_STATUS(check_range("repetition_penalty", params.repetition_penalty, kTiny, kHuge, "above 0"));
  RETORT_TRY_STATUS(check_range("presence_penalty", params.presence_penalty, -2, 2, "from -2 to 2"));
  RETORT_TRY_STATUS(check_range("frequency_penalty", params.frequency_penalty, -2, 2, "from -2 to 2"));
  if (params.top_k < -1) {
    return fail(ErrorCode::kInvalidArgument, "top_k must be 1 or more, or 0 or -1 for all, but is {}", params.top_k);
  }
  if (params.logprobs < -1) {
    return fail(ErrorCode::kInvalidArgument, "logprobs must be 0 or more, or -1 for none, but is {}", params.logprobs);
  }
  if (!params.logprob_token_ids.empty() && params.logprobs < 0) {
    return fail(ErrorCode::kInvalidArgument, "logprob_token_ids need logprobs of 0 or more, which is {}",
                params.logprobs);
  }
  return {};
}

TokenCounts::TokenCounts(std::int64_t vocab_size) : output_count_(vocab_size), in_prompt_(vocab_size) {}

void TokenCounts::add_prompt(std::span<const std::int32_t> ids) {
  for (const std::int32_t id : ids) {
    if (!in_prompt_[id] && output_count_[id] == 0) seen_.push_back(id);
    in_prompt_[id] = 1;
  }
}

void TokenCounts::add_output(std::int32_t id) {
  if (!in_prompt_[id] && output_count_[id] == 0) seen_.push_back(id);
  ++output_count_[id];
}

const std::vector<std::int32_t>& TokenCounts::seen() const { return seen_; }
bool TokenCounts::in_prompt(std::int32_t id) const { return in_prompt_[id] != 0; }
std::int32_t TokenCounts::output_count(std::int32_t id) const { return output_count_[id]; }

SampledToken sample_token(std::span<float> logits, const SamplingParams& params, const TokenCounts& counts,
                          std::uint64_t sequence, std::uint32_t position) {
  float largest = make_finite(logits);
  SampledToken token;
  double log_total = 0;
  if (params.logprobs >= 0) token = raw_top(logits, largest, params, log_total);

  std::vector<float> raw_seen;  // what the penalties are about to change
  if (has_penalties(params)) {
    if (params.logprobs >= 0) {
      for (const std::int32_t id : counts.seen()) raw_seen.push_back(logits[id]);
    }
    apply_penalties(logits, params, counts);
    largest = make_finite(logits);
  }
  token.id = pick(logits, largest, params, sequence, position);
  if (params.logprobs >= 0) {
    double raw = logits[token.id];
    for (std::size_t i = 0; i < raw_seen.size(); ++i) {
      if (counts.seen()[i] == token.id) raw = raw_seen[i];
    }
    token.logprob = raw - log_total;
  }
  return token;
}

SampledToken score_token(std::span<float> logits, std::int32_t id, const SamplingParams& params) {
  const float largest = make_finite(logits);
  double log_total = 0;
  SampledToken token = raw_top(logits, largest, params, log_total);
  token.id = id;
  token.logprob = logits[id] - log_total;
  return token;
}

}  // namespace retort
