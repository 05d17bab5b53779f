#include "io/gguf_config_write.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace retort {
namespace {

std::string_view gguf_architecture(Architecture architecture) {
  switch (architecture) {
    case Architecture::kQwen2:
      return "qwen2";
    case Architecture::kQwen2Moe:
      return "qwen2moe";
    case Architecture::kQwen3:
      return "qwen3";
  }
  return "";
}

tl::unexpected<Error> no_key(std::string_view what) {
  return fail(ErrorCode::kUnsupported, "GGUF has no key for {}, which this model has; run it from the folder", what);
}

/// Sets "qwen2.block_count" and its like.
class Writer {
 public:
  Writer(GgufPairs& pairs, std::string_view prefix) : pairs_(pairs), prefix_(prefix) {}
  void integer(std::string_view key, std::int64_t value) { pairs_.set(name(key), static_cast<std::uint32_t>(value)); }
  void number(std::string_view key, double value) { pairs_.set(name(key), static_cast<float>(value)); }
  void boolean(std::string_view key, std::optional<bool> value) { pairs_.set(name(key), value.value_or(false)); }
  void string(std::string_view key, std::string_view value) { pairs_.set_string(name(key), value); }

 private:
  [[nodiscard]] std::string name(std::string_view key) const { return fmt::format("{}.{}", prefix_, key); }
  GgufPairs& pairs_;
  std::string_view prefix_;
};

Status write_rope(const ModelConfig& config, Writer& out) {
  out.number("rope.freq_base", config.rope_theta);
  const RopeScaling& scaling = config.rope_scaling;
  if (scaling.kind == RopeScalingKind::kNone) return {};
  if (scaling.kind == RopeScalingKind::kDynamic) return no_key("RoPE scaling 'dynamic'");
  if (scaling.mscale || scaling.mscale_all_dim) return no_key("'mscale' of its RoPE scaling");
  if (!scaling.truncate) return no_key("'truncate' of its RoPE scaling");
  out.string("rope.scaling.type", to_string(scaling.kind));
  out.number("rope.scaling.factor", scaling.factor);
  if (scaling.original_max_position_embeddings > 0) {
    out.integer("rope.scaling.original_context_length", scaling.original_max_position_embeddings);
  }
  if (scaling.kind != RopeScalingKind::kYarn) return {};
  out.number("rope.scaling.yarn_beta_fast", scaling.beta_fast);
  out.number("rope.scaling.yarn_beta_slow", scaling.beta_slow);
  // GGUF's factor multiplies YaRN's own; Hugging Face's replaces it.
  if (scaling.attention_factor) {
    out.number("rope.scaling.attn_factor", *scaling.attention_factor / (0.1 * std::log(scaling.factor) + 1.0));
  }
  return {};
}

Status write_moe(const ModelConfig& config, Writer& out) {
  const MoeConfig& moe = *config.moe;
  for (std::int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    if (!config.is_moe_layer(layer)) return no_key("layers without experts among layers with them");
  }
  out.integer("expert_count", moe.num_experts);
  out.integer("expert_used_count", moe.num_experts_per_tok);
  out.integer("expert_feed_forward_length", moe.moe_intermediate_size);
  out.integer("expert_shared_feed_forward_length", moe.shared_expert_intermediate_size);
  out.boolean("expert_weights_norm", moe.norm_topk_prob);
  return {};
}

void write_sampling(const GenerationDefaults& defaults, GgufPairs& pairs) {
  const auto number = [&](std::string_view key, const std::optional<double>& value) {
    if (value) pairs.set(key, static_cast<float>(*value));
  };
  number("general.sampling.temp", defaults.temperature);
  number("general.sampling.top_p", defaults.top_p);
  number("general.sampling.min_p", defaults.min_p);
  number("general.sampling.penalty_repeat", defaults.repetition_penalty);
  if (defaults.top_k) pairs.set("general.sampling.top_k", static_cast<std::int32_t>(*defaults.top_k));
}

}  // namespace

Status add_config_pairs(const ModelConfig& config, const GenerationDefaults& defaults, GgufPairs& pairs) {
  if (std::ranges::any_of(config.layer_windows, [](std::int64_t window) { return window > 0; })) {
    return no_key("which layers have a sliding window");
  }
  const std::string_view prefix = gguf_architecture(config.architecture);
  pairs.set_string("general.architecture", prefix);
  Writer out(pairs, prefix);
  out.integer("vocab_size", config.vocab_size);
  out.integer("context_length", config.max_position_embeddings);
  out.integer("embedding_length", config.hidden_size);
  out.integer("block_count", config.num_hidden_layers);
  out.integer("feed_forward_length", config.intermediate_size);
  out.integer("attention.head_count", config.num_attention_heads);
  out.integer("attention.head_count_kv", config.num_key_value_heads);
  out.integer("attention.key_length", config.head_dim);
  out.integer("attention.value_length", config.head_dim);
  out.number("attention.layer_norm_rms_epsilon", config.rms_norm_eps);
  RETORT_TRY_STATUS(write_rope(config, out));
  if (config.moe) RETORT_TRY_STATUS(write_moe(config, out));
  write_sampling(defaults, pairs);
  return {};
}

}  // namespace retort
