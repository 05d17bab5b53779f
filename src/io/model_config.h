// What a checkpoint says about the shape of its network, whichever format said it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/json_fwd.h"
#include "io/quantization_config.h"

namespace retort {

enum class Architecture {
  kQwen2,     ///< Qwen2ForCausalLM: Qwen2, Qwen2.5, QwQ, DeepSeek-R1-Distill-Qwen
  kQwen2Moe,  ///< Qwen2MoeForCausalLM: shared expert plus routed experts
  kQwen3,     ///< Qwen3ForCausalLM: no q/k/v bias, RMSNorm on each query and key head
};

/// "Qwen2ForCausalLM", ...
std::string_view to_string(Architecture architecture);

enum class RopeScalingKind { kNone, kLinear, kDynamic, kYarn };

/// "none", "linear", ...
std::string_view to_string(RopeScalingKind kind);

/// RoPE scaling as Hugging Face's modeling_rope_utils defines it. Optional fields keep its defaults.
struct RopeScaling {
  RopeScalingKind kind = RopeScalingKind::kNone;
  double factor = 1.0;
  std::int64_t original_max_position_embeddings = 0;  ///< 0: max_position_embeddings
  std::optional<double> attention_factor;             ///< yarn; otherwise 0.1 ln(factor) + 1, or from mscale
  double beta_fast = 32.0;
  double beta_slow = 1.0;
  std::optional<double> mscale;
  std::optional<double> mscale_all_dim;
  bool truncate = true;  ///< yarn: round the correction range to whole dimensions
};

struct MoeConfig {
  std::int64_t num_experts = 0;
  std::int64_t num_experts_per_tok = 0;
  std::int64_t moe_intermediate_size = 0;
  std::int64_t shared_expert_intermediate_size = 0;
  bool norm_topk_prob = false;
  std::int64_t decoder_sparse_step = 1;
  std::vector<std::int64_t> mlp_only_layers;
};

struct ModelConfig {
  Architecture architecture = Architecture::kQwen2;
  std::int64_t vocab_size = 0;
  std::int64_t hidden_size = 0;
  std::int64_t intermediate_size = 0;  ///< of the dense MLP
  std::int64_t num_hidden_layers = 0;
  std::int64_t num_attention_heads = 0;
  std::int64_t num_key_value_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t max_position_embeddings = 0;
  double rms_norm_eps = 0;
  double rope_theta = 10000.0;
  RopeScaling rope_scaling;
  bool tie_word_embeddings = false;
  bool attention_bias = true;  ///< q/k/v projections have a bias (o_proj never has)
  /// Window of layer i in positions, the token itself included; 0: full attention. Size num_hidden_layers. As Hugging
  /// Face: `sliding_window` counts only with use_sliding_window, and layer i slides iff i >= max_window_layers (in
  /// Qwen2Moe iff i is even and i < max_window_layers); an explicit layer_types list decides where there is one.
  std::vector<std::int64_t> layer_windows;
  std::optional<MoeConfig> moe;
  std::vector<std::int64_t> eos_token_ids;
  std::optional<std::int64_t> bos_token_id;
  std::string torch_dtype;  ///< as the checkpoint says, "" if it does not; for display
  /// quantization_config's quant_method ("awq", "gptq", "fp8"), "" if there is none.
  std::string quantization_method;
  /// What it says, where retort can run it.
  std::optional<QuantizationConfig> quantization;
  /// Why it cannot, or "". Such a checkpoint can be inspected and tokenized with; its weights are refused by
  /// Checkpoint::check_tensors() with this.
  std::string quantization_problem;

  /// True if layer `layer` has routed experts in place of a dense MLP.
  [[nodiscard]] bool is_moe_layer(std::int64_t layer) const;
};

/// Reads config.json. Every field is checked for kind and range and against the others; a field's error names it.
/// An architecture, activation, or rope type that retort does not run is kUnsupported, by name.
Expected<ModelConfig> model_config_from_json(const Json& config);

/// What generation_config.json supplies as defaults; absent fields are nullopt.
struct GenerationDefaults {
  std::optional<bool> do_sample;
  std::optional<double> temperature;
  std::optional<std::int64_t> top_k;
  std::optional<double> top_p;
  std::optional<double> min_p;
  std::optional<double> repetition_penalty;
  std::optional<std::int64_t> max_new_tokens;
  std::vector<std::int64_t> eos_token_ids;
};
Expected<GenerationDefaults> generation_defaults_from_json(const Json& config);

}  // namespace retort
