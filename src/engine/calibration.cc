#include "engine/calibration.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/parallel.h"

namespace retort {
namespace {

// Of one input: sums over tokens of x^2, a column each. A column's sum is one thread's, so the order is the tokens'.
using Squares = std::vector<double>;

void add_squares(std::span<const float> x_TC, Squares& sums) {
  const auto columns = static_cast<std::int64_t>(sums.size());
  const std::int64_t tokens = static_cast<std::int64_t>(x_TC.size()) / columns;
  parallel_for(columns, 64, [&](WorkRange range) {
    for (std::int64_t t = 0; t < tokens; ++t) {
      const float* row = x_TC.data() + t * columns;
      for (std::int64_t c = range.begin; c < range.end; ++c) sums[c] += static_cast<double>(row[c]) * row[c];
    }
  });
}

std::vector<float> relative(const Squares& sums) {
  double mean = 0;
  for (const double sum : sums) mean += sum / static_cast<double>(sums.size());
  std::vector<float> out(sums.size(), 1.0f);
  if (!(mean > 0)) return out;
  for (std::size_t i = 0; i < sums.size(); ++i) out[i] = static_cast<float>(std::max(sums[i] / mean, 1e-4));
  return out;
}

class Gatherer {
 public:
  explicit Gatherer(const ModelConfig& config) : config_(config), head_(config.hidden_size) {
    trace_.on_input = [this](std::int64_t layer, LinearInput input, std::span<const float> x) {
      Squares& sums = inputs_[{layer, input}];
      if (sums.empty()) sums.resize(static_cast<std::size_t>(columns_of(input)));
      add_squares(x, sums);
    };
  }
  Gatherer(const Gatherer&) = delete;
  Gatherer& operator=(const Gatherer&) = delete;

  Status run(const Model& model, std::span<const std::int32_t> tokens) {
    const auto length = static_cast<std::int64_t>(tokens.size());
    const auto kv = make_sequence_kv(config_, model.kv_cache_type(), length);
    std::vector<float> hidden(tokens.size() * config_.hidden_size);
    const SequenceChunk chunk{tokens, kv.get(), length};
    RETORT_TRY_STATUS(model.forward({&chunk, 1}, hidden, &trace_));
    add_squares(hidden, head_);
    return {};
  }

  [[nodiscard]] Importance importance() const {
    Importance out;
    out.emplace(config_.tie_word_embeddings ? "model.embed_tokens.weight" : "lm_head.weight", relative(head_));
    for (const auto& [place, sums] : inputs_) {
      const auto& [layer, input] = place;
      const std::vector<float> columns = relative(sums);
      for (const std::string& module : modules_of(input, config_.is_moe_layer(layer))) {
        out.emplace(fmt::format("model.layers.{}.{}.weight", layer, module), columns);
      }
    }
    return out;
  }

 private:
  [[nodiscard]] std::int64_t columns_of(LinearInput input) const {
    if (input == LinearInput::kAttentionOutput) return config_.num_attention_heads * config_.head_dim;
    return input == LinearInput::kMlpDown ? config_.intermediate_size : config_.hidden_size;
  }

  [[nodiscard]] std::vector<std::string> modules_of(LinearInput input, bool routed) const {
    if (input == LinearInput::kAttention) return {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"};
    if (input == LinearInput::kAttentionOutput) return {"self_attn.o_proj"};
    if (input == LinearInput::kMlpDown) return {"mlp.down_proj"};
    if (!routed) return {"mlp.gate_proj", "mlp.up_proj"};
    std::vector<std::string> modules = {"mlp.shared_expert.gate_proj", "mlp.shared_expert.up_proj"};
    for (std::int64_t i = 0; i < config_.moe->num_experts; ++i) {
      for (const char* name : {"gate", "up"}) modules.push_back(fmt::format("mlp.experts.{}.{}_proj", i, name));
    }
    return modules;
  }

  const ModelConfig& config_;
  ForwardTrace trace_;
  std::map<std::pair<std::int64_t, LinearInput>, Squares> inputs_;
  Squares head_;
};

}  // namespace

Expected<Importance> measure_importance(const Model& model, std::span<const std::int32_t> tokens, std::int64_t context,
                                        const std::function<void(std::int64_t, std::int64_t)>& on_window,
                                        const CancelToken& cancel) {
  if (tokens.empty()) return fail(ErrorCode::kInvalidArgument, "the text to calibrate with is empty");
  const std::int64_t window = std::min(context, model.config().max_position_embeddings);
  const auto length = static_cast<std::int64_t>(tokens.size());
  const std::int64_t windows = (length + window - 1) / window;
  Gatherer gatherer(model.config());
  for (std::int64_t i = 0; i < windows; ++i) {
    RETORT_TRY_STATUS(cancel.check());
    const std::int64_t first = i * window;
    RETORT_TRY_STATUS(gatherer.run(model, tokens.subspan(first, std::min(window, length - first))));
    if (on_window) on_window(i + 1, windows);
  }
  return gatherer.importance();
}

}  // namespace retort
