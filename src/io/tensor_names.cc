#include "io/tensor_names.h"

#include <algorithm>
#include <charconv>

namespace retort {
namespace {

struct Renaming {
  std::string_view gguf;
  std::string_view huggingface;
};

constexpr Renaming kLayerNames[] = {
    {"attn_norm", "input_layernorm"},
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"},
    {"attn_q_norm", "self_attn.q_norm"},
    {"attn_k_norm", "self_attn.k_norm"},
    {"ffn_norm", "post_attention_layernorm"},
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
    {"ffn_gate_inp", "mlp.gate"},
    {"ffn_gate_exps", "mlp.experts.{}.gate_proj"},
    {"ffn_up_exps", "mlp.experts.{}.up_proj"},
    {"ffn_down_exps", "mlp.experts.{}.down_proj"},
    {"ffn_gate_inp_shexp", "mlp.shared_expert_gate"},
    {"ffn_gate_shexp", "mlp.shared_expert.gate_proj"},
    {"ffn_up_shexp", "mlp.shared_expert.up_proj"},
    {"ffn_down_shexp", "mlp.shared_expert.down_proj"},
};

// "12.rest" -> 12, leaving "rest". Only the one spelling of a number counts, so that no two names become the same.
std::optional<std::int64_t> take_number(std::string_view& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto digits = static_cast<std::size_t>(end - text.data());
  if (error != std::errc() || number < 0 || digits >= text.size() || text[digits] != '.') return std::nullopt;
  if (fmt::to_string(number) != text.substr(0, digits)) return std::nullopt;
  text.remove_prefix(digits + 1);
  return number;
}

// Layer tensors, with the layer's prefix put before each name.
class LayerVisitor {
 public:
  LayerVisitor(const ModelConfig& config, std::int64_t layer, const TensorVisitor& visit)
      : config_(config), layer_(layer), prefix_(fmt::format("model.layers.{}.", layer)), visit_(visit) {}

  Status all() {
    RETORT_TRY_STATUS(vector("input_layernorm.weight", config_.hidden_size));
    RETORT_TRY_STATUS(attention());
    RETORT_TRY_STATUS(vector("post_attention_layernorm.weight", config_.hidden_size));
    if (config_.is_moe_layer(layer_)) return experts();
    return mlp("mlp", config_.intermediate_size);
  }

 private:
  Status matrix(std::string_view name, std::int64_t rows, std::int64_t columns) {
    return visit_(fmt::format("{}{}", prefix_, name), {rows, columns}, TensorRole::kMatrix);
  }
  Status vector(std::string_view name, std::int64_t size) {
    return visit_(fmt::format("{}{}", prefix_, name), {size}, TensorRole::kVector);
  }

  Status attention() {
    const std::int64_t q_rows = config_.num_attention_heads * config_.head_dim;
    const std::int64_t kv_rows = config_.num_key_value_heads * config_.head_dim;
    for (const auto& [name, rows] : {std::pair("q", q_rows), {"k", kv_rows}, {"v", kv_rows}}) {
      RETORT_TRY_STATUS(matrix(fmt::format("self_attn.{}_proj.weight", name), rows, config_.hidden_size));
      if (config_.attention_bias) RETORT_TRY_STATUS(vector(fmt::format("self_attn.{}_proj.bias", name), rows));
    }
    if (config_.architecture == Architecture::kQwen3) {
      RETORT_TRY_STATUS(vector("self_attn.q_norm.weight", config_.head_dim));
      RETORT_TRY_STATUS(vector("self_attn.k_norm.weight", config_.head_dim));
    }
    return matrix("self_attn.o_proj.weight", config_.hidden_size, q_rows);
  }

  Status mlp(std::string_view name, std::int64_t intermediate) {
    RETORT_TRY_STATUS(matrix(fmt::format("{}.gate_proj.weight", name), intermediate, config_.hidden_size));
    RETORT_TRY_STATUS(matrix(fmt::format("{}.up_proj.weight", name), intermediate, config_.hidden_size));
    return matrix(fmt::format("{}.down_proj.weight", name), config_.hidden_size, intermediate);
  }

  Status experts() {
    const MoeConfig& moe = *config_.moe;
    RETORT_TRY_STATUS(matrix("mlp.gate.weight", moe.num_experts, config_.hidden_size));
    for (std::int64_t expert = 0; expert < moe.num_experts; ++expert) {
      RETORT_TRY_STATUS(mlp(fmt::format("mlp.experts.{}", expert), moe.moe_intermediate_size));
    }
    RETORT_TRY_STATUS(mlp("mlp.shared_expert", moe.shared_expert_intermediate_size));
    return matrix("mlp.shared_expert_gate.weight", 1, config_.hidden_size);
  }

  const ModelConfig& config_;
  std::int64_t layer_;
  std::string prefix_;
  const TensorVisitor& visit_;
};

}  // namespace

std::optional<MappedName> huggingface_name(std::string_view gguf_name) {
  if (gguf_name == "token_embd.weight") return MappedName{"model.embed_tokens.weight"};
  if (gguf_name == "output_norm.weight") return MappedName{"model.norm.weight"};
  if (gguf_name == "output.weight") return MappedName{"lm_head.weight"};
  std::string_view rest = gguf_name;
  if (!rest.starts_with("blk.")) return std::nullopt;
  rest.remove_prefix(4);
  const auto layer = take_number(rest);
  if (!layer) return std::nullopt;
  const auto dot = rest.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view kind = rest.substr(dot + 1);
  if (kind != "weight" && kind != "bias") return std::nullopt;
  for (const Renaming& renaming : kLayerNames) {
    if (renaming.gguf != rest.substr(0, dot)) continue;
    return MappedName{fmt::format("model.layers.{}.{}.{}", *layer, renaming.huggingface, kind),
                      renaming.huggingface.find("{}") != std::string_view::npos};
  }
  return std::nullopt;
}

std::optional<MappedName> gguf_name(std::string_view huggingface_name) {
  if (huggingface_name == "model.embed_tokens.weight") return MappedName{"token_embd.weight"};
  if (huggingface_name == "model.norm.weight") return MappedName{"output_norm.weight"};
  if (huggingface_name == "lm_head.weight") return MappedName{"output.weight"};
  constexpr std::string_view kLayers = "model.layers.";
  constexpr std::string_view kExperts = "mlp.experts.";
  std::string_view rest = huggingface_name;
  if (!rest.starts_with(kLayers)) return std::nullopt;
  rest.remove_prefix(kLayers.size());
  const auto layer = take_number(rest);
  const auto dot = rest.rfind('.');
  if (!layer || dot == std::string_view::npos) return std::nullopt;
  const std::string_view kind = rest.substr(dot + 1);
  if (kind != "weight" && kind != "bias") return std::nullopt;
  std::string module(rest.substr(0, dot));
  const bool stacked = module.starts_with(kExperts);
  if (stacked) {
    std::string_view expert = std::string_view(module).substr(kExperts.size());
    if (!take_number(expert)) return std::nullopt;
    module = fmt::format("mlp.experts.{{}}.{}", expert);
  }
  for (const Renaming& renaming : kLayerNames) {
    if (renaming.huggingface == module)
      return MappedName{fmt::format("blk.{}.{}.{}", *layer, renaming.gguf, kind), stacked};
  }
  return std::nullopt;
}

bool is_harmless_extra(std::string_view name) {
  constexpr std::string_view kCacheScales[] = {".self_attn.k_scale", ".self_attn.v_scale", ".k_proj.output_scale",
                                               ".v_proj.output_scale"};
  return name.ends_with("rotary_emb.inv_freq") || name == "rope_freqs.weight" ||
         std::ranges::any_of(kCacheScales, [&](std::string_view ending) { return name.ends_with(ending); });
}

std::optional<std::string_view> linear_of(std::string_view tensor, TensorRole role) {
  constexpr std::string_view kWeight = ".weight";
  if (role != TensorRole::kMatrix || !tensor.ends_with(kWeight) || tensor == "model.embed_tokens.weight") {
    return std::nullopt;
  }
  return tensor.substr(0, tensor.size() - kWeight.size());
}

Status for_each_tensor(const ModelConfig& config, const TensorVisitor& visit) {
  const Shape embedding{config.vocab_size, config.hidden_size};
  RETORT_TRY_STATUS(visit("model.embed_tokens.weight", embedding, TensorRole::kMatrix));
  for (std::int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    RETORT_TRY_STATUS(LayerVisitor(config, layer, visit).all());
  }
  RETORT_TRY_STATUS(visit("model.norm.weight", {config.hidden_size}, TensorRole::kVector));
  if (config.tie_word_embeddings) return {};
  return visit("lm_head.weight", embedding, TensorRole::kMatrix);
}

}  // namespace retort
