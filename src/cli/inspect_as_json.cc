// The report for a program. Fields are added over time, never renamed.
#include "cli/inspect_report.h"
#include "core/json.h"

namespace retort::cli {
namespace {

template <typename T>
OrderedJson or_null(const std::optional<T>& value) {
  return value ? OrderedJson(*value) : OrderedJson(nullptr);
}

OrderedJson quantization_as_json(const QuantizationConfig& quantization) {
  OrderedJson schemes = OrderedJson::array();
  for (const WeightScheme& scheme : quantization.schemes()) {
    const bool blocks = scheme.scale == ScaleBlock::kBlock;
    schemes.push_back(
        {{"name", to_string(scheme)},
         {"bits", scheme.bits},
         {"type", scheme.layout == WeightLayout::kFp8 ? "float" : "int"},
         {"group_size", scheme.group_size > 0 ? OrderedJson(scheme.group_size) : OrderedJson(nullptr)},
         {"block", blocks ? OrderedJson({scheme.block_rows, scheme.block_columns}) : OrderedJson(nullptr)},
         {"symmetric", scheme.zero == ZeroPoint::kMiddle},
         {"activation_order", scheme.activation_order}});
  }
  return {{"method", quantization.method()}, {"schemes", schemes}};
}

OrderedJson config_as_json(const ModelConfig& config) {
  const RopeScaling& scaling = config.rope_scaling;
  OrderedJson out = {{"architecture", to_string(config.architecture)},
                     {"vocab_size", config.vocab_size},
                     {"hidden_size", config.hidden_size},
                     {"intermediate_size", config.intermediate_size},
                     {"num_hidden_layers", config.num_hidden_layers},
                     {"num_attention_heads", config.num_attention_heads},
                     {"num_key_value_heads", config.num_key_value_heads},
                     {"head_dim", config.head_dim},
                     {"max_position_embeddings", config.max_position_embeddings},
                     {"rms_norm_eps", config.rms_norm_eps},
                     {"rope_theta", config.rope_theta},
                     {"rope_scaling", nullptr},
                     {"tie_word_embeddings", config.tie_word_embeddings},
                     {"attention_bias", config.attention_bias},
                     {"layer_windows", config.layer_windows},
                     {"moe", nullptr},
                     {"eos_token_ids", config.eos_token_ids},
                     {"bos_token_id", or_null(config.bos_token_id)},
                     {"torch_dtype", config.torch_dtype},
                     {"quantization_method", config.quantization_method},
                     {"quantization", nullptr}};
  if (config.quantization) out["quantization"] = quantization_as_json(*config.quantization);
  if (scaling.kind != RopeScalingKind::kNone) {
    out["rope_scaling"] = {{"type", to_string(scaling.kind)},
                           {"factor", scaling.factor},
                           {"original_max_position_embeddings", scaling.original_max_position_embeddings},
                           {"attention_factor", or_null(scaling.attention_factor)}};
  }
  if (config.moe) {
    out["moe"] = {{"num_experts", config.moe->num_experts},
                  {"num_experts_per_tok", config.moe->num_experts_per_tok},
                  {"moe_intermediate_size", config.moe->moe_intermediate_size},
                  {"shared_expert_intermediate_size", config.moe->shared_expert_intermediate_size}};
  }
  return out;
}

OrderedJson weights_as_json(const WeightsPlan& plan) {
  OrderedJson types = OrderedJson::array();
  for (const WeightsOfType& type : plan.types) {
    types.push_back(
        {{"dtype", to_string(type.dtype)},
         {"quantization", type.quantization.empty() ? OrderedJson(nullptr) : OrderedJson(type.quantization)},
         {"tensors", type.tensors},
         {"parameters", type.parameters},
         {"bytes", type.bytes}});
  }
  return {{"tensors", plan.tensors}, {"parameters", plan.parameters}, {"bytes", plan.bytes}, {"types", types}};
}

OrderedJson tokenizer_as_json(const InspectText& text) {
  if (!text.tokenizer_problem.empty()) return {{"problem", text.tokenizer_problem}};
  if (text.model.empty()) return nullptr;
  OrderedJson out = {{"model", text.model},           {"pretokenizer", text.pretokenizer},
                     {"normalizer", text.normalizer}, {"vocab_size", text.vocab_size},
                     {"merges", text.merges},         {"added_tokens", text.added_tokens}};
  for (const auto& token : text.special_tokens) out[token.role] = {{"id", token.id}, {"piece", token.piece}};
  return out;
}

OrderedJson template_as_json(const InspectText& text) {
  if (!text.template_problem.empty()) return {{"problem", text.template_problem}};
  if (!text.chat_template) return nullptr;
  return {{"bytes", text.chat_template->size()}, {"source", *text.chat_template}};
}

OrderedJson generation_as_json(const GenerationDefaults& defaults) {
  return {{"do_sample", or_null(defaults.do_sample)},
          {"temperature", or_null(defaults.temperature)},
          {"top_k", or_null(defaults.top_k)},
          {"top_p", or_null(defaults.top_p)},
          {"min_p", or_null(defaults.min_p)},
          {"repetition_penalty", or_null(defaults.repetition_penalty)},
          {"max_new_tokens", or_null(defaults.max_new_tokens)}};
}

template <typename Value>
OrderedJson by_cache_type(const Value& value) {
  OrderedJson out = OrderedJson::object();
  for (std::size_t i = 0; i < kKvCacheTypes.size(); ++i) out[std::string(to_string(kKvCacheTypes[i]))] = value(i);
  return out;
}

OrderedJson memory_as_json(const InspectReport& report) {
  const ModelConfig& config = report.checkpoint->config();
  OrderedJson lengths = OrderedJson::array();
  for (const LengthPlan& plan : report.lengths) {
    lengths.push_back({{"max_model_len", plan.max_model_len},
                       {"kv_bytes", by_cache_type([&](std::size_t i) { return plan.kv_bytes[i]; })},
                       {"total_bytes", by_cache_type([&](std::size_t i) { return plan.total_bytes[i]; })}});
  }
  return {{"weight_bytes", report.weights.bytes},
          {"loaded_weight_bytes", report.weights.loaded_bytes},
          {"kv_bytes_per_token",
           by_cache_type([&](std::size_t i) { return kv_bytes_per_token(config, kKvCacheTypes[i]); })},
          {"lengths", lengths},
          {"machine_bytes", report.machine_bytes}};
}

}  // namespace

OrderedJson inspect_as_json(const InspectReport& report) {
  const Checkpoint& checkpoint = *report.checkpoint;
  return {{"name", report.title},
          {"model", checkpoint.name()},
          {"format", checkpoint.format() == CheckpointFormat::kGguf ? "gguf" : "safetensors"},
          {"runnable", report.problem.empty()},
          {"problem", report.problem.empty() ? OrderedJson(nullptr) : OrderedJson(report.problem)},
          {"config", config_as_json(checkpoint.config())},
          {"weights", weights_as_json(report.weights)},
          {"tokenizer", tokenizer_as_json(report.text)},
          {"chat_template", template_as_json(report.text)},
          {"generation_defaults", generation_as_json(checkpoint.generation_defaults())},
          {"memory", memory_as_json(report)}};
}

}  // namespace retort::cli
