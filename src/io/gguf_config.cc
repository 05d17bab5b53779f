// GGUF metadata as a model configuration.
#include <cmath>

#include "core/json.h"
#include "io/checkpoint.h"
#include "io/hub_names.h"
#include "io/model_config_check.h"
#include "io/token_ids.h"

namespace retort {
namespace {

/// Reads "qwen2.block_count" and its like: keys below the architecture's own prefix.
class Keys {
 public:
  Keys(const GgufFile& file, std::string_view prefix) : file_(file), prefix_(prefix) {}

  [[nodiscard]] std::string name(std::string_view key) const { return fmt::format("{}.{}", prefix_, key); }

  /// An absent key gives `fallback`, or kNotFound where there is none.
  [[nodiscard]] Expected<std::int64_t> integer(std::string_view key, IntRange range,
                                               std::optional<std::int64_t> fallback = std::nullopt) const {
    RETORT_TRY(const auto value, file_.get_int(name(key)));
    if (!value && fallback) return *fallback;
    if (!value) return fail(ErrorCode::kNotFound, "metadata '{}' is missing", name(key));
    if (*value < range.min || *value > range.max) {
      return fail(ErrorCode::kCorrupt, "metadata '{}' must be from {} to {} but is {}", name(key), range.min, range.max,
                  *value);
    }
    return *value;
  }

  [[nodiscard]] Expected<std::optional<double>> number(std::string_view key) const {
    return file_.get_number(name(key));
  }
  [[nodiscard]] Expected<std::optional<bool>> boolean(std::string_view key) const { return file_.get_bool(name(key)); }
  [[nodiscard]] Expected<std::optional<std::string_view>> string(std::string_view key) const {
    return file_.get_string(name(key));
  }

 private:
  const GgufFile& file_;
  std::string_view prefix_;
};

Expected<Architecture> read_architecture(std::string_view name) {
  if (name == "qwen2") return Architecture::kQwen2;
  if (name == "qwen2moe") return Architecture::kQwen2Moe;
  if (name == "qwen3") return Architecture::kQwen3;
  return fail(ErrorCode::kUnsupported,
              "general.architecture '{}' is not one that retort runs; it runs qwen2, qwen2moe and qwen3",
              shown_name(name));
}

Expected<RopeScalingKind> rope_kind(std::string_view name) {
  if (name == "none") return RopeScalingKind::kNone;
  if (name == "linear") return RopeScalingKind::kLinear;
  if (name == "yarn") return RopeScalingKind::kYarn;
  return fail(ErrorCode::kUnsupported,
              "rope.scaling.type '{}' is not one that retort runs; it runs none, linear and yarn", shown_name(name));
}

Status read_rope(const Keys& keys, ModelConfig& out) {
  RETORT_TRY(const auto theta, keys.number("rope.freq_base"));
  out.rope_theta = theta.value_or(out.rope_theta);
  RETORT_TRY(const std::int64_t turned, keys.integer("rope.dimension_count", {1, kMaxHeadDim}, out.head_dim));
  if (turned != out.head_dim) {
    return fail(ErrorCode::kUnsupported,
                "rope.dimension_count is {} but heads have {} dimensions; partial rotation is "
                "not supported",
                turned, out.head_dim);
  }
  RopeScaling& scaling = out.rope_scaling;
  RETORT_TRY(const auto type, keys.string("rope.scaling.type"));
  RETORT_TRY(const auto older, keys.number("rope.scale_linear"));
  RETORT_TRY(const auto newer, keys.number("rope.scaling.factor"));
  const std::optional<double> factor = newer ? newer : older;
  // A factor alone means linear, as before there was a type.
  RETORT_TRY(scaling.kind, rope_kind(type.value_or(factor.value_or(1) == 1 ? "none" : "linear")));
  RETORT_TRY(const auto attention, keys.number("rope.scaling.attn_factor"));
  if (scaling.kind == RopeScalingKind::kNone) return {};
  if (!factor) {
    return fail(ErrorCode::kCorrupt, "metadata '{}' is missing, which '{}' needs", keys.name("rope.scaling.factor"),
                keys.name("rope.scaling.type"));
  }
  scaling.factor = *factor;
  RETORT_TRY(scaling.original_max_position_embeddings,
             keys.integer("rope.scaling.original_context_length", {1, kMaxPositions}, 0));
  RETORT_TRY(const auto fast, keys.number("rope.scaling.yarn_beta_fast"));
  RETORT_TRY(const auto slow, keys.number("rope.scaling.yarn_beta_slow"));
  scaling.beta_fast = fast.value_or(scaling.beta_fast);
  scaling.beta_slow = slow.value_or(scaling.beta_slow);
  if (attention && *attention != 1.0) {
    if (scaling.kind != RopeScalingKind::kYarn) {
      return fail(ErrorCode::kUnsupported, "rope.scaling.attn_factor {} without yarn is not supported", *attention);
    }
    // GGUF's factor multiplies YaRN's own; Hugging Face's replaces it.
    scaling.attention_factor = *attention * (0.1 * std::log(scaling.factor) + 1.0);
  }
  return {};
}

Status read_windows(const Keys& keys, ModelConfig& out) {
  out.layer_windows.assign(static_cast<std::size_t>(out.num_hidden_layers), 0);
  RETORT_TRY(const std::int64_t window, keys.integer("attention.sliding_window", {0, kMaxPositions}, 0));
  if (window == 0 || window >= out.max_position_embeddings) return {};
  // No agreed key says which layers slide; guessing would give wrong answers without a word.
  return fail(ErrorCode::kUnsupported,
              "'{}' is {}, but GGUF does not say which layers it is for; use the Hugging Face "
              "checkpoint",
              keys.name("attention.sliding_window"), window);
}

Status read_heads(const Keys& keys, ModelConfig& out) {
  RETORT_TRY(out.num_attention_heads, keys.integer("attention.head_count", {1, kMaxHeads}));
  RETORT_TRY(out.num_key_value_heads, keys.integer("attention.head_count_kv", {1, kMaxHeads}, out.num_attention_heads));
  RETORT_TRY(out.head_dim,
             keys.integer("attention.key_length", {2, kMaxHeadDim}, out.hidden_size / out.num_attention_heads));
  RETORT_TRY(const std::int64_t value_dim, keys.integer("attention.value_length", {2, kMaxHeadDim}, out.head_dim));
  if (value_dim != out.head_dim) {
    return fail(ErrorCode::kUnsupported, "keys of {} and values of {} dimensions; retort needs them equal",
                out.head_dim, value_dim);
  }
  return {};
}

Expected<MoeConfig> read_moe(const Keys& keys, const ModelConfig& config) {
  MoeConfig moe;
  RETORT_TRY(moe.num_experts, keys.integer("expert_count", {1, kMaxExperts}));
  RETORT_TRY(moe.num_experts_per_tok, keys.integer("expert_used_count", {1, kMaxExperts}));
  // Files older than the two keys: all used experts together are as wide as the dense network.
  RETORT_TRY(moe.moe_intermediate_size, keys.integer("expert_feed_forward_length", {1, kMaxIntermediate},
                                                     config.intermediate_size / moe.num_experts_per_tok));
  RETORT_TRY(moe.shared_expert_intermediate_size,
             keys.integer("expert_shared_feed_forward_length", {1, kMaxIntermediate}, config.intermediate_size));
  RETORT_TRY(const auto norm, keys.boolean("expert_weights_norm"));
  moe.norm_topk_prob = norm.value_or(false);
  return moe;
}

// The token that ends a text, a turn, or a message: generation stops at any of them.
Status read_special_tokens(const GgufFile& file, ModelConfig& out) {
  const Keys keys(file, "tokenizer.ggml");
  const IntRange valid{0, out.vocab_size - 1};
  for (const std::string_view key : {"eos_token_id", "eot_token_id", "eom_token_id"}) {
    RETORT_TRY(const std::int64_t id, keys.integer(key, valid, -1));
    if (id >= 0) add_token_id(out.eos_token_ids, id);
  }
  RETORT_TRY(const std::int64_t bos, keys.integer("bos_token_id", valid, -1));
  if (bos >= 0) out.bos_token_id = bos;
  return {};
}

// Rows of the embedding decide; without it (a split's first part may lack it) the metadata does.
Expected<std::int64_t> read_vocab_size(const GgufFile& file, const Keys& keys) {
  for (const GgufTensor& tensor : file.tensors()) {
    if (tensor.name == "token_embd.weight" && tensor.shape.rank() == 2) return tensor.shape[0];
  }
  RETORT_TRY(const GgufArray* tokens, file.get_array("tokenizer.ggml.tokens"));
  const std::optional<std::int64_t> counted =
      tokens ? std::optional(static_cast<std::int64_t>(tokens->size)) : std::nullopt;
  return keys.integer("vocab_size", {1, kMaxVocab}, counted);
}

Expected<ModelConfig> read_config(const GgufFile& file) {
  RETORT_TRY(const auto name, file.get_string("general.architecture"));
  if (!name) return fail(ErrorCode::kNotFound, "metadata 'general.architecture' is missing");
  const Keys keys(file, *name);
  ModelConfig out;
  RETORT_TRY(out.architecture, read_architecture(*name));
  RETORT_TRY(out.vocab_size, read_vocab_size(file, keys));
  RETORT_TRY(out.hidden_size, keys.integer("embedding_length", {1, kMaxHidden}));
  RETORT_TRY(out.intermediate_size, keys.integer("feed_forward_length", {1, kMaxIntermediate}));
  RETORT_TRY(out.num_hidden_layers, keys.integer("block_count", {1, kMaxLayers}));
  RETORT_TRY(out.max_position_embeddings, keys.integer("context_length", {1, kMaxPositions}));
  RETORT_TRY_STATUS(read_heads(keys, out));
  RETORT_TRY(const auto epsilon, keys.number("attention.layer_norm_rms_epsilon"));
  if (!epsilon) {
    return fail(ErrorCode::kNotFound, "metadata '{}' is missing", keys.name("attention.layer_norm_rms_epsilon"));
  }
  out.rms_norm_eps = *epsilon;
  RETORT_TRY_STATUS(read_rope(keys, out));
  RETORT_TRY_STATUS(read_windows(keys, out));
  out.attention_bias = out.architecture != Architecture::kQwen3;
  if (out.architecture == Architecture::kQwen2Moe) {
    RETORT_TRY(out.moe, read_moe(keys, out));
  }
  RETORT_TRY_STATUS(read_special_tokens(file, out));
  RETORT_TRY_STATUS(check_model_config(out));
  return out;
}

}  // namespace

Expected<ModelConfig> model_config_from_gguf(const GgufFile& file) {
  auto config = read_config(file);
  if (!config) return fail(std::move(config).error().within(file.what()));
  return config;
}

Expected<GenerationDefaults> generation_defaults_from_gguf(const GgufFile& file) {
  // The same names as in generation_config.json, so that the same reader checks them.
  constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"general.sampling.temp", "temperature"}, {"general.sampling.top_p", "top_p"},
      {"general.sampling.min_p", "min_p"},      {"general.sampling.penalty_repeat", "repetition_penalty"},
      {"general.sampling.top_k", "top_k"},
  };
  Json config = Json::object();
  for (const auto& [key, name] : kNames) {
    RETORT_TRY(const auto value, file.get_number(key));
    if (value) config[std::string(name)] = *value;
  }
  auto defaults = generation_defaults_from_json(config);
  if (!defaults) return fail(std::move(defaults).error().within(file.what()));
  return defaults;
}

}  // namespace retort
