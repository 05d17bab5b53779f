// config.json, as transformers writes it: with the classic keys, and with those of its version 5.
#include "io/model_config.h"

#include <algorithm>

#include "core/json.h"
#include "io/hub_names.h"
#include "io/model_config_check.h"
#include "io/token_ids.h"

namespace retort {
namespace {

constexpr std::string_view kRunnable = "Qwen2ForCausalLM, Qwen2MoeForCausalLM and Qwen3ForCausalLM";

std::optional<Architecture> architecture_from(std::string_view name) {
  for (const auto known : {Architecture::kQwen2, Architecture::kQwen2Moe, Architecture::kQwen3}) {
    if (name == to_string(known)) return known;
  }
  return std::nullopt;
}

Expected<Architecture> read_architecture(const Json& config) {
  const Json* list = json_find(config, "architectures");
  if (!list) {
    // An older or hand-made config may have only the model type.
    RETORT_TRY(const std::string type, json_string(config, "model_type", ""));
    if (type == "qwen2") return Architecture::kQwen2;
    if (type == "qwen2_moe") return Architecture::kQwen2Moe;
    if (type == "qwen3") return Architecture::kQwen3;
    if (type.empty()) return fail(ErrorCode::kCorrupt, "field 'architectures' is missing");
    return fail(ErrorCode::kUnsupported, "model_type '{}' is not one that retort runs; it runs {}", shown_name(type),
                kRunnable);
  }
  if (!list->is_array() || list->size() != 1 || !list->front().is_string()) {
    return fail(ErrorCode::kCorrupt, "field 'architectures' must be a list of one name");
  }
  const auto& name = list->front().get_ref<const std::string&>();
  if (const auto known = architecture_from(name)) return *known;
  return fail(ErrorCode::kUnsupported, "architecture '{}' is not one that retort runs; it runs {}", shown_name(name),
              kRunnable);
}

// ---- RoPE ----

Expected<RopeScalingKind> rope_kind(std::string_view name) {
  if (name == "default") return RopeScalingKind::kNone;
  if (name == "linear") return RopeScalingKind::kLinear;
  if (name == "dynamic") return RopeScalingKind::kDynamic;
  if (name == "yarn") return RopeScalingKind::kYarn;
  return fail(ErrorCode::kUnsupported,
              "rope type '{}' is not one that retort runs; it runs default, linear, dynamic "
              "and yarn",
              shown_name(name));
}

Expected<std::optional<double>> optional_number(const Json& object, std::string_view key) {
  if (!json_find(object, key)) return std::nullopt;
  return json_number(object, key);
}

// `rope` is rope_scaling, or rope_parameters (which holds rope_theta too).
Status read_rope_object(const Json& rope, ModelConfig& out) {
  if (!rope.is_object()) return fail(ErrorCode::kCorrupt, "must be an object");
  RETORT_TRY(const std::string older, json_string(rope, "type", "default"));
  RETORT_TRY(const std::string type, json_string(rope, "rope_type", older));
  RopeScaling& scaling = out.rope_scaling;
  RETORT_TRY(scaling.kind, rope_kind(type));
  RETORT_TRY(out.rope_theta, json_number(rope, "rope_theta", out.rope_theta));
  RETORT_TRY(const double partial, json_number(rope, "partial_rotary_factor", 1.0));
  if (partial != 1.0)
    return fail(ErrorCode::kUnsupported, "partial_rotary_factor {} is not supported, only 1", partial);
  if (scaling.kind == RopeScalingKind::kNone) return {};
  RETORT_TRY(scaling.factor, json_number(rope, "factor"));
  RETORT_TRY(scaling.original_max_position_embeddings,
             json_int(rope, "original_max_position_embeddings", {1, kMaxPositions}, 0));
  RETORT_TRY(scaling.attention_factor, optional_number(rope, "attention_factor"));
  RETORT_TRY(scaling.beta_fast, json_number(rope, "beta_fast", scaling.beta_fast));
  RETORT_TRY(scaling.beta_slow, json_number(rope, "beta_slow", scaling.beta_slow));
  RETORT_TRY(scaling.mscale, optional_number(rope, "mscale"));
  RETORT_TRY(scaling.mscale_all_dim, optional_number(rope, "mscale_all_dim"));
  RETORT_TRY(scaling.truncate, json_bool(rope, "truncate", true));
  return {};
}

Status read_rope(const Json& config, ModelConfig& out) {
  RETORT_TRY(out.rope_theta, json_number(config, "rope_theta", out.rope_theta));
  for (const std::string_view key : {"rope_scaling", "rope_parameters"}) {
    const Json* rope = json_find(config, key);
    if (!rope) continue;
    if (auto status = read_rope_object(*rope, out); !status) {
      return fail(std::move(status).error().within(fmt::format("field '{}'", key)));
    }
  }
  return {};
}

// ---- sliding windows ----

// As the configuration classes of transformers fill layer_types where the file has none.
bool slides_by_default(const ModelConfig& config, std::int64_t layer, std::int64_t max_window_layers) {
  if (config.architecture == Architecture::kQwen2Moe) return layer % 2 == 0 && layer < max_window_layers;
  return layer >= max_window_layers;
}

Expected<bool> slides_by_list(const Json& types, std::int64_t layer) {
  const Json& type = types[static_cast<std::size_t>(layer)];
  if (type == "sliding_attention") return true;
  if (type == "full_attention") return false;
  return fail(ErrorCode::kUnsupported,
              "layer_types[{}] is not one that retort runs; it runs full_attention and sliding_attention", layer);
}

Status read_windows(const Json& config, ModelConfig& out) {
  RETORT_TRY(const bool use_window, json_bool(config, "use_sliding_window", false));
  // Without use_sliding_window the field is ignored, whatever it says (0, 4096, 131072 occur).
  std::int64_t window = 0;
  if (use_window) {
    RETORT_TRY(window, json_int(config, "sliding_window", {1, kMaxPositions}, 0));
  }
  RETORT_TRY(const std::int64_t max_window_layers, json_int(config, "max_window_layers", {0, kMaxPositions}, 28));
  const Json* types = json_find(config, "layer_types");
  if (types && (!types->is_array() || types->size() != static_cast<std::size_t>(out.num_hidden_layers))) {
    return fail(ErrorCode::kCorrupt, "field 'layer_types' must be a list with one entry per layer ({})",
                out.num_hidden_layers);
  }
  out.layer_windows.assign(static_cast<std::size_t>(out.num_hidden_layers), 0);
  for (std::int64_t layer = 0; layer < out.num_hidden_layers; ++layer) {
    bool slides = window > 0 && slides_by_default(out, layer, max_window_layers);
    if (types) {
      RETORT_TRY(slides, slides_by_list(*types, layer));
      if (slides && window == 0) {
        return fail(ErrorCode::kCorrupt,
                    "layer_types[{}] is sliding_attention, but there is no window: that needs use_sliding_window true "
                    "and a sliding_window",
                    layer);
      }
    }
    if (slides) out.layer_windows[static_cast<std::size_t>(layer)] = window;
  }
  return {};
}

// ---- the rest ----

Status read_heads(const Json& config, ModelConfig& out) {
  RETORT_TRY(out.num_attention_heads, json_int(config, "num_attention_heads", {1, kMaxHeads}));
  RETORT_TRY(out.num_key_value_heads, json_int(config, "num_key_value_heads", {1, kMaxHeads}, out.num_attention_heads));
  if (json_find(config, "head_dim")) {
    RETORT_TRY(out.head_dim, json_int(config, "head_dim", {2, kMaxHeadDim}));
    return {};
  }
  if (out.architecture == Architecture::kQwen3) {  // its class has a default of its own
    out.head_dim = 128;
    return {};
  }
  if (out.hidden_size % out.num_attention_heads != 0) {
    return fail(ErrorCode::kCorrupt,
                "hidden_size ({}) must be a multiple of num_attention_heads ({}) where there is "
                "no head_dim",
                out.hidden_size, out.num_attention_heads);
  }
  out.head_dim = out.hidden_size / out.num_attention_heads;
  return {};
}

Status read_biases(const Json& config, ModelConfig& out) {
  switch (out.architecture) {
    case Architecture::kQwen2:
      out.attention_bias = true;  // fixed in its network, whatever the file says
      return {};
    case Architecture::kQwen2Moe: {
      RETORT_TRY(out.attention_bias, json_bool(config, "qkv_bias", true));
      return {};
    }
    case Architecture::kQwen3: {
      RETORT_TRY(out.attention_bias, json_bool(config, "attention_bias", false));
      if (!out.attention_bias) return {};
      return fail(ErrorCode::kUnsupported, "Qwen3ForCausalLM with attention_bias true is not supported");
    }
  }
  return {};
}

Expected<MoeConfig> read_moe(const Json& config) {
  MoeConfig moe;
  RETORT_TRY(moe.num_experts, json_int(config, "num_experts", {1, kMaxExperts}));
  RETORT_TRY(moe.num_experts_per_tok, json_int(config, "num_experts_per_tok", {1, kMaxExperts}));
  RETORT_TRY(moe.moe_intermediate_size, json_int(config, "moe_intermediate_size", {1, kMaxIntermediate}));
  RETORT_TRY(moe.shared_expert_intermediate_size,
             json_int(config, "shared_expert_intermediate_size", {1, kMaxIntermediate}));
  RETORT_TRY(moe.norm_topk_prob, json_bool(config, "norm_topk_prob", false));
  RETORT_TRY(moe.decoder_sparse_step, json_int(config, "decoder_sparse_step", {1, kMaxLayers}, 1));
  const Json* dense = json_find(config, "mlp_only_layers");
  if (!dense) return moe;
  if (!dense->is_array() || dense->size() > static_cast<std::size_t>(kMaxLayers)) {
    return fail(ErrorCode::kCorrupt, "field 'mlp_only_layers' must be a list of layers");
  }
  for (const Json& layer : *dense) {
    if (!layer.is_number_unsigned() || layer.get<std::uint64_t>() >= static_cast<std::uint64_t>(kMaxLayers)) {
      return fail(ErrorCode::kCorrupt, "field 'mlp_only_layers' must be a list of layers");
    }
    moe.mlp_only_layers.push_back(layer.get<std::int64_t>());
  }
  return moe;
}

Status read_for_display(const Json& config, ModelConfig& out) {
  RETORT_TRY(const std::string newer, json_string(config, "dtype", ""));
  RETORT_TRY(out.torch_dtype, json_string(config, "torch_dtype", newer));
  return {};
}

// Older files of compressed-tensors have it as compression_config.
Status read_quantization(const Json& config, ModelConfig& out) {
  for (const std::string_view key : {"quantization_config", "compression_config"}) {
    const Json* quantization = json_find(config, key);
    if (!quantization) continue;
    RETORT_TRY(out.quantization_method, json_string(*quantization, "quant_method", "unnamed"));
    auto read = quantization_config_from_json(*quantization);
    if (read) {
      out.quantization = std::move(*read);
      return {};
    }
    Error error = std::move(read).error().within(fmt::format("field '{}'", key));
    if (error.code() != ErrorCode::kUnsupported) return fail(std::move(error));
    out.quantization_problem = error.message();
    return {};
  }
  return {};
}

}  // namespace

std::string_view to_string(Architecture architecture) {
  switch (architecture) {
    case Architecture::kQwen2:
      return "Qwen2ForCausalLM";
    case Architecture::kQwen2Moe:
      return "Qwen2MoeForCausalLM";
    case Architecture::kQwen3:
      return "Qwen3ForCausalLM";
  }
  return "unknown";
}

std::string_view to_string(RopeScalingKind kind) {
  switch (kind) {
    case RopeScalingKind::kNone:
      return "none";
    case RopeScalingKind::kLinear:
      return "linear";
    case RopeScalingKind::kDynamic:
      return "dynamic";
    case RopeScalingKind::kYarn:
      return "yarn";
  }
  return "unknown";
}

bool ModelConfig::is_moe_layer(std::int64_t layer) const {
  if (!moe || (layer + 1) % moe->decoder_sparse_step != 0) return false;
  return std::ranges::find(moe->mlp_only_layers, layer) == moe->mlp_only_layers.end();
}

Expected<ModelConfig> model_config_from_json(const Json& config) {
  if (!config.is_object()) return fail(ErrorCode::kCorrupt, "the configuration must be a JSON object");
  ModelConfig out;
  RETORT_TRY(out.architecture, read_architecture(config));
  RETORT_TRY(const std::string activation, json_string(config, "hidden_act", "silu"));
  RETORT_TRY_STATUS(check_activation(activation));
  RETORT_TRY(out.vocab_size, json_int(config, "vocab_size", {1, kMaxVocab}));
  RETORT_TRY(out.hidden_size, json_int(config, "hidden_size", {1, kMaxHidden}));
  RETORT_TRY(out.intermediate_size, json_int(config, "intermediate_size", {1, kMaxIntermediate}));
  RETORT_TRY(out.num_hidden_layers, json_int(config, "num_hidden_layers", {1, kMaxLayers}));
  RETORT_TRY_STATUS(read_heads(config, out));
  RETORT_TRY(out.max_position_embeddings, json_int(config, "max_position_embeddings", {1, kMaxPositions}, 32768));
  RETORT_TRY(out.rms_norm_eps, json_number(config, "rms_norm_eps", 1e-6));
  RETORT_TRY_STATUS(read_rope(config, out));
  RETORT_TRY(out.tie_word_embeddings, json_bool(config, "tie_word_embeddings", false));
  RETORT_TRY_STATUS(read_biases(config, out));
  RETORT_TRY_STATUS(read_windows(config, out));
  if (out.architecture == Architecture::kQwen2Moe) {
    RETORT_TRY(out.moe, read_moe(config));
  }
  RETORT_TRY(out.eos_token_ids, read_token_ids(config, "eos_token_id"));
  if (json_find(config, "bos_token_id")) {
    RETORT_TRY(out.bos_token_id, json_int(config, "bos_token_id", {0, kMaxVocab}));
  }
  RETORT_TRY_STATUS(read_for_display(config, out));
  RETORT_TRY_STATUS(read_quantization(config, out));
  RETORT_TRY_STATUS(check_model_config(out));
  return out;
}

}  // namespace retort
