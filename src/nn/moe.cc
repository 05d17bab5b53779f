// Qwen2's mixture of experts: softmax over all experts' router logits, the top k of them, their probabilities as
// weights (renormalised where norm_topk_prob), plus a shared expert behind a sigmoid gate.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "nn/layers.h"

namespace retort {
namespace {

struct Assignment {
  std::int64_t token;
  float weight;
};

// The experts of one token, likeliest first, ties to the lower index; weights as the configuration asks.
void route(const MoeConfig& config, const float* logits, std::int64_t token,
           std::vector<std::vector<Assignment>>& by_expert) {
  const auto experts = static_cast<std::int64_t>(by_expert.size());
  const std::int64_t chosen = config.num_experts_per_tok;
  std::vector<float> probability(logits, logits + experts);
  const float largest = *std::max_element(probability.begin(), probability.end());
  float sum = 0;
  for (float& p : probability) {
    p = std::exp(p - largest);
    sum += p;
  }
  for (float& p : probability) p /= sum;

  std::vector<std::int64_t> order(experts);
  std::iota(order.begin(), order.end(), 0);
  std::partial_sort(order.begin(), order.begin() + chosen, order.end(), [&](std::int64_t a, std::int64_t b) {
    return probability[a] > probability[b] || (probability[a] == probability[b] && a < b);
  });
  float divisor = 1;
  if (config.norm_topk_prob) {
    divisor = 0;
    for (std::int64_t i = 0; i < chosen; ++i) divisor += probability[order[i]];
  }
  for (std::int64_t i = 0; i < chosen; ++i) {
    by_expert[order[i]].push_back({token, probability[order[i]] / divisor});
  }
}

}  // namespace

void apply_moe(const KernelTable& kernels, QuantizeScratch& quantized, const MoeConfig& config, const MoeWeights& moe,
               const float* x_TH, float* out_TH, StepTokens step,
               const std::function<void(std::span<const float>)>& on_router) {
  const std::int64_t hidden = moe.router.columns();
  const auto experts = static_cast<std::int64_t>(moe.experts.size());
  const std::int64_t tokens = step.count;
  std::vector<float> logits_TE(tokens * experts);
  apply_linear(kernels, quantized, moe.router, x_TH, logits_TE.data(), step);
  if (on_router) on_router(logits_TE);

  std::vector<std::vector<Assignment>> by_expert(experts);
  for (std::int64_t t = 0; t < tokens; ++t) route(config, logits_TE.data() + t * experts, t, by_expert);

  // Experts in ascending order, each with all its tokens at once: a token's sum has the same order whatever tokens
  // share the step.
  std::vector<float> gathered(tokens * hidden);
  std::vector<float> expert_out(tokens * hidden);
  const std::int64_t widest = std::max(config.moe_intermediate_size, config.shared_expert_intermediate_size);
  std::vector<float> scratch(2 * tokens * widest);
  std::fill_n(out_TH, tokens * hidden, 0.0f);
  for (std::int64_t e = 0; e < experts; ++e) {
    const auto& mine = by_expert[e];
    if (mine.empty()) continue;
    for (std::size_t i = 0; i < mine.size(); ++i) {
      std::copy_n(x_TH + mine[i].token * hidden, hidden, gathered.data() + i * hidden);
    }
    // Tokens ascend, so those of the prompt are the last ones here as well.
    const auto prompt = std::ranges::lower_bound(mine, step.prompt_from, {}, &Assignment::token);
    apply_mlp(kernels, quantized, moe.experts[e], gathered.data(), expert_out.data(), scratch.data(),
              {static_cast<std::int64_t>(mine.size()), prompt - mine.begin()});
    for (std::size_t i = 0; i < mine.size(); ++i) {
      kernels.axpy(out_TH + mine[i].token * hidden, expert_out.data() + i * hidden, mine[i].weight, hidden);
    }
  }
  if (!moe.shared) return;
  std::vector<float> gate_T(tokens);
  apply_linear(kernels, quantized, moe.shared_gate, x_TH, gate_T.data(), step);
  apply_mlp(kernels, quantized, *moe.shared, x_TH, expert_out.data(), scratch.data(), step);
  for (std::int64_t t = 0; t < tokens; ++t) {
    const float gate = 1.0f / (1.0f + std::exp(-gate_T[t]));
    kernels.axpy(out_TH + t * hidden, expert_out.data() + t * hidden, gate, hidden);
  }
}

}  // namespace retort
