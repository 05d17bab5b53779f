#include "io/model_config_check.h"

#include <cmath>

#include "io/hub_names.h"

namespace retort {
namespace {

Status in_range(std::string_view field, std::int64_t value, std::int64_t min, std::int64_t max) {
  if (value >= min && value <= max) return {};
  return fail(ErrorCode::kCorrupt, "field '{}' must be from {} to {} but is {}", field, min, max, value);
}

// NaN fails every comparison, so the condition is written as what must hold.
Status positive(std::string_view field, double value, double max) {
  if (value > 0 && value <= max) return {};
  return fail(ErrorCode::kCorrupt, "field '{}' must be more than 0 and at most {} but is {}", field, max, value);
}

Status check_heads(const ModelConfig& config) {
  RETORT_TRY_STATUS(in_range("num_attention_heads", config.num_attention_heads, 1, kMaxHeads));
  RETORT_TRY_STATUS(in_range("num_key_value_heads", config.num_key_value_heads, 1, kMaxHeads));
  RETORT_TRY_STATUS(in_range("head_dim", config.head_dim, 2, kMaxHeadDim));
  if (config.num_attention_heads % config.num_key_value_heads != 0) {
    return fail(ErrorCode::kCorrupt, "num_attention_heads ({}) must be a multiple of num_key_value_heads ({})",
                config.num_attention_heads, config.num_key_value_heads);
  }
  if (config.head_dim % 2 != 0) {
    return fail(ErrorCode::kCorrupt, "head_dim must be even, as RoPE turns pairs, but is {}", config.head_dim);
  }
  return {};
}

Status check_rope(const ModelConfig& config) {
  const RopeScaling& scaling = config.rope_scaling;
  // YaRN divides by ln(theta); a theta of at most 1 would make no frequency lower than another.
  if (!(config.rope_theta > 1 && config.rope_theta <= 1e15)) {
    return fail(ErrorCode::kCorrupt, "field 'rope_theta' must be more than 1 and at most 1e15 but is {}",
                config.rope_theta);
  }
  if (!(scaling.factor >= 1 && scaling.factor <= 1e6)) {
    return fail(ErrorCode::kCorrupt, "the rope scaling's 'factor' must be from 1 to 1e6 but is {}", scaling.factor);
  }
  RETORT_TRY_STATUS(
      in_range("original_max_position_embeddings", scaling.original_max_position_embeddings, 0, kMaxPositions));
  RETORT_TRY_STATUS(positive("beta_fast", scaling.beta_fast, 1e6));
  RETORT_TRY_STATUS(positive("beta_slow", scaling.beta_slow, 1e6));
  if (scaling.attention_factor) RETORT_TRY_STATUS(positive("attention_factor", *scaling.attention_factor, 1e6));
  for (const auto& [field, value] : {std::pair("mscale", scaling.mscale), {"mscale_all_dim", scaling.mscale_all_dim}}) {
    if (value && !(*value >= 0 && *value <= 1e6)) {
      return fail(ErrorCode::kCorrupt, "field '{}' must be from 0 to 1e6 but is {}", field, *value);
    }
  }
  if (scaling.kind == RopeScalingKind::kDynamic && config.head_dim <= 2) {
    return fail(ErrorCode::kCorrupt, "dynamic rope scaling needs a head_dim of more than 2");
  }
  return {};
}

Status check_moe(const ModelConfig& config) {
  if (!config.moe) return {};
  const MoeConfig& moe = *config.moe;
  RETORT_TRY_STATUS(in_range("num_experts", moe.num_experts, 1, kMaxExperts));
  if (moe.num_experts * config.num_hidden_layers > kMaxExpertsInAll) {
    return fail(ErrorCode::kCorrupt, "{} layers of {} experts are more than retort takes ({} in all)",
                config.num_hidden_layers, moe.num_experts, kMaxExpertsInAll);
  }
  RETORT_TRY_STATUS(in_range("num_experts_per_tok", moe.num_experts_per_tok, 1, moe.num_experts));
  RETORT_TRY_STATUS(in_range("moe_intermediate_size", moe.moe_intermediate_size, 1, kMaxIntermediate));
  RETORT_TRY_STATUS(
      in_range("shared_expert_intermediate_size", moe.shared_expert_intermediate_size, 1, kMaxIntermediate));
  RETORT_TRY_STATUS(in_range("decoder_sparse_step", moe.decoder_sparse_step, 1, kMaxLayers));
  for (const std::int64_t layer : moe.mlp_only_layers) {
    RETORT_TRY_STATUS(in_range("mlp_only_layers", layer, 0, config.num_hidden_layers - 1));
  }
  return {};
}

}  // namespace

Status check_activation(std::string_view name) {
  if (name == "silu" || name == "swish") return {};
  return fail(ErrorCode::kUnsupported, "hidden_act '{}' is not one that retort runs; it runs silu", shown_name(name));
}

Status check_model_config(const ModelConfig& config) {
  RETORT_TRY_STATUS(in_range("vocab_size", config.vocab_size, 1, kMaxVocab));
  RETORT_TRY_STATUS(in_range("hidden_size", config.hidden_size, 1, kMaxHidden));
  RETORT_TRY_STATUS(in_range("intermediate_size", config.intermediate_size, 1, kMaxIntermediate));
  RETORT_TRY_STATUS(in_range("num_hidden_layers", config.num_hidden_layers, 1, kMaxLayers));
  RETORT_TRY_STATUS(in_range("max_position_embeddings", config.max_position_embeddings, 1, kMaxPositions));
  RETORT_TRY_STATUS(check_heads(config));
  RETORT_TRY_STATUS(positive("rms_norm_eps", config.rms_norm_eps, 1));
  RETORT_TRY_STATUS(check_rope(config));
  RETORT_TRY_STATUS(check_moe(config));
  for (const std::int64_t window : config.layer_windows) {
    RETORT_TRY_STATUS(in_range("sliding_window", window, 0, kMaxPositions));
  }
  for (const std::int64_t id : config.eos_token_ids) {
    RETORT_TRY_STATUS(in_range("eos_token_id", id, 0, config.vocab_size - 1));
  }
  if (config.bos_token_id) {
    RETORT_TRY_STATUS(in_range("bos_token_id", *config.bos_token_id, 0, config.vocab_size - 1));
  }
  return {};
}

}  // namespace retort
