// config.json and generation_config.json: what is read from them and what is refused.
#include "io/model_config.h"

#include <gtest/gtest.h>

#include "core/json.h"
#include "testing/expect_error.h"
#include "testing/shared_data.h"

namespace retort {
namespace {

using ::retort::testing::expect_error;

Json base() {
  return Json::parse(R"({"architectures":["Qwen2ForCausalLM"],"bos_token_id":1,"eos_token_id":2,"hidden_act":"silu",
    "hidden_size":64,"intermediate_size":160,"max_position_embeddings":1024,"max_window_layers":28,
    "num_attention_heads":4,"num_hidden_layers":4,"num_key_value_heads":2,"rms_norm_eps":1e-05,"rope_theta":10000.0,
    "sliding_window":null,"tie_word_embeddings":false,"torch_dtype":"bfloat16","use_sliding_window":false,
    "vocab_size":512})");
}

Json moe_base() {
  Json config = base();
  config["architectures"] = {"Qwen2MoeForCausalLM"};
  config.update(Json::parse(R"({"num_experts":4,"num_experts_per_tok":2,"moe_intermediate_size":48,
    "shared_expert_intermediate_size":64,"decoder_sparse_step":1,"mlp_only_layers":[],"norm_topk_prob":false})"));
  return config;
}

Expected<ModelConfig> with(std::string_view patch, Json config = base()) {
  config.merge_patch(Json::parse(patch));  // null removes a field
  return model_config_from_json(config);
}

ModelConfig good(std::string_view patch, Json config = base()) {
  const auto read = with(patch, std::move(config));
  EXPECT_TRUE(read) << read.error().message();
  return read.value_or(ModelConfig());
}

TEST(ModelConfig, ReadsEveryField) {
  const ModelConfig config = good("{}");
  EXPECT_EQ(config.architecture, Architecture::kQwen2);
  EXPECT_EQ(config.vocab_size, 512);
  EXPECT_EQ(config.hidden_size, 64);
  EXPECT_EQ(config.intermediate_size, 160);
  EXPECT_EQ(config.num_hidden_layers, 4);
  EXPECT_EQ(config.num_attention_heads, 4);
  EXPECT_EQ(config.num_key_value_heads, 2);
  EXPECT_EQ(config.head_dim, 16);
  EXPECT_EQ(config.max_position_embeddings, 1024);
  EXPECT_EQ(config.rms_norm_eps, 1e-5);
  EXPECT_EQ(config.rope_theta, 10000.0);
  EXPECT_EQ(config.rope_scaling.kind, RopeScalingKind::kNone);
  EXPECT_TRUE(config.attention_bias);
  EXPECT_EQ(config.layer_windows, std::vector<std::int64_t>(4, 0));
  EXPECT_EQ(config.eos_token_ids, std::vector<std::int64_t>{2});
  EXPECT_EQ(config.bos_token_id, 1);
  EXPECT_EQ(config.torch_dtype, "bfloat16");
  EXPECT_FALSE(config.moe);
}

TEST(ModelConfig, DefaultsAreThoseOfHuggingFace) {
  const ModelConfig config =
      good(R"({"hidden_act":null,"max_position_embeddings":null,"rms_norm_eps":null,"rope_theta":null,
              "num_key_value_heads":null,"torch_dtype":null,"bos_token_id":null,"eos_token_id":null})");
  EXPECT_EQ(config.max_position_embeddings, 32768);
  EXPECT_EQ(config.rms_norm_eps, 1e-6);
  EXPECT_EQ(config.rope_theta, 10000.0);
  EXPECT_EQ(config.num_key_value_heads, 4);
  EXPECT_EQ(config.torch_dtype, "");
  EXPECT_EQ(config.bos_token_id, std::nullopt);
  EXPECT_TRUE(config.eos_token_ids.empty());
}

TEST(ModelConfig, BothSpellingsOfTheDtype) {
  EXPECT_EQ(good(R"({"torch_dtype":null,"dtype":"float32"})").torch_dtype, "float32");
}

TEST(ModelConfig, SeveralEndTokens) {
  EXPECT_EQ(good(R"({"eos_token_id":[2,3,2]})").eos_token_ids, (std::vector<std::int64_t>{2, 3}));
  EXPECT_TRUE(good(R"({"eos_token_id":[]})").eos_token_ids.empty());
}

TEST(ModelConfig, RopeScalingInEachSpelling) {
  for (const auto* key : {"type", "rope_type"}) {
    const ModelConfig config = good(
        fmt::format(R"({{"rope_scaling":{{"{}":"yarn","factor":4.0,"original_max_position_embeddings":32}}}})", key));
    EXPECT_EQ(config.rope_scaling.kind, RopeScalingKind::kYarn);
    EXPECT_EQ(config.rope_scaling.factor, 4.0);
    EXPECT_EQ(config.rope_scaling.original_max_position_embeddings, 32);
    EXPECT_EQ(config.rope_scaling.attention_factor, std::nullopt);
    EXPECT_TRUE(config.rope_scaling.truncate);
  }
  const ModelConfig newer = good(R"({"rope_theta":null,"rope_parameters":{"rope_type":"dynamic","rope_theta":5e5,
      "factor":2,"attention_factor":1.5,"beta_fast":16,"beta_slow":2,"mscale":1.0,"mscale_all_dim":0.5,
      "truncate":false}})");
  EXPECT_EQ(newer.rope_theta, 5e5);
  EXPECT_EQ(newer.rope_scaling.kind, RopeScalingKind::kDynamic);
  EXPECT_EQ(newer.rope_scaling.factor, 2);
  EXPECT_EQ(newer.rope_scaling.attention_factor, 1.5);
  EXPECT_EQ(newer.rope_scaling.beta_fast, 16);
  EXPECT_EQ(newer.rope_scaling.beta_slow, 2);
  EXPECT_EQ(newer.rope_scaling.mscale, 1.0);
  EXPECT_EQ(newer.rope_scaling.mscale_all_dim, 0.5);
  EXPECT_FALSE(newer.rope_scaling.truncate);
  EXPECT_EQ(good(R"({"rope_parameters":{"rope_type":"default","rope_theta":1e6}})").rope_theta, 1e6);
  EXPECT_EQ(good(R"({"rope_scaling":{"rope_type":"linear","factor":8}})").rope_scaling.kind, RopeScalingKind::kLinear);
}

TEST(ModelConfig, WindowsAsHuggingFaceDefinesThem) {
  using Windows = std::vector<std::int64_t>;
  EXPECT_EQ(good(R"({"use_sliding_window":true,"sliding_window":16,"max_window_layers":2})").layer_windows,
            (Windows{0, 0, 16, 16}));
  EXPECT_EQ(good(R"({"use_sliding_window":true,"sliding_window":16,"max_window_layers":4})").layer_windows,
            Windows(4, 0))
      << "max_window_layers = layers: none slides";
  EXPECT_EQ(good(R"({"use_sliding_window":true,"sliding_window":16,"max_window_layers":0})").layer_windows,
            Windows(4, 16));
  EXPECT_EQ(good(R"({"use_sliding_window":false,"sliding_window":16,"max_window_layers":0})").layer_windows,
            Windows(4, 0));
  EXPECT_EQ(good(R"({"use_sliding_window":true,"sliding_window":null,"max_window_layers":0})").layer_windows,
            Windows(4, 0));
  EXPECT_EQ(good(R"({"use_sliding_window":true,"sliding_window":16,"max_window_layers":4,"layer_types":
      ["sliding_attention","full_attention","sliding_attention","full_attention"]})")
                .layer_windows,
            (Windows{16, 0, 16, 0}))
      << "an explicit list decides";
  EXPECT_EQ(good(R"({"use_sliding_window":true,"sliding_window":16,"max_window_layers":3})", moe_base()).layer_windows,
            (Windows{16, 0, 16, 0}))
      << "Qwen2Moe's own rule: even layers below max_window_layers";
}

TEST(ModelConfig, MixtureOfExperts) {
  const ModelConfig config = good(R"({"decoder_sparse_step":2,"mlp_only_layers":[3],"norm_topk_prob":true,
                                      "qkv_bias":false})",
                                  moe_base());
  ASSERT_TRUE(config.moe);
  EXPECT_EQ(config.moe->num_experts, 4);
  EXPECT_EQ(config.moe->num_experts_per_tok, 2);
  EXPECT_EQ(config.moe->moe_intermediate_size, 48);
  EXPECT_EQ(config.moe->shared_expert_intermediate_size, 64);
  EXPECT_TRUE(config.moe->norm_topk_prob);
  EXPECT_FALSE(config.attention_bias);
  EXPECT_FALSE(config.is_moe_layer(0));
  EXPECT_TRUE(config.is_moe_layer(1));
  EXPECT_FALSE(config.is_moe_layer(3)) << "mlp_only_layers";
}

TEST(ModelConfig, Qwen3) {
  Json config = base();
  config["architectures"] = {"Qwen3ForCausalLM"};
  EXPECT_EQ(good(R"({"head_dim":32})", config).head_dim, 32);
  EXPECT_EQ(good("{}", config).head_dim, 128) << "its class's default, not hidden_size / heads";
  EXPECT_FALSE(good("{}", config).attention_bias);
  expect_error(with(R"({"attention_bias":true})", config), ErrorCode::kUnsupported, {"attention_bias"});
}

TEST(ModelConfig, UnsupportedThingsAreRefusedByName) {
  const auto refused = [](std::string_view patch, std::initializer_list<std::string_view> says) {
    SCOPED_TRACE(patch);
    expect_error(with(patch), ErrorCode::kUnsupported, says);
  };
  refused(R"({"architectures":["LlamaForCausalLM"]})", {"LlamaForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM"});
  refused(R"({"architectures":null,"model_type":"mamba"})", {"mamba", "Qwen2ForCausalLM"});
  refused(R"({"hidden_act":"gelu_new"})", {"gelu_new", "silu"});
  refused(R"({"rope_scaling":{"rope_type":"llama3","factor":8}})", {"rope_scaling", "llama3", "yarn"});
  refused(R"({"rope_scaling":{"type":"longrope","factor":8}})", {"longrope"});
  refused(R"({"rope_parameters":{"rope_type":"default","partial_rotary_factor":0.5}})", {"partial_rotary_factor"});
  refused(R"({"layer_types":["full_attention","full_attention","linear_attention","full_attention"]})",
          {"layer_types[2]", "full_attention"});
}

TEST(ModelConfig, TheModelTypeStandsInForTheArchitecture) {
  EXPECT_EQ(good(R"({"architectures":null,"model_type":"qwen3"})").architecture, Architecture::kQwen3);
}

TEST(ModelConfig, AQuantizedCheckpointIsReadAndMarked) {
  EXPECT_EQ(good(R"({"quantization_config":{"quant_method":"awq","bits":4}})").quantization_method, "awq");
  EXPECT_TRUE(good(R"({"quantization_config":{"quant_method":"awq","bits":4}})").quantization);
  EXPECT_TRUE(good(R"({"compression_config":{"quant_method":"awq","bits":4}})").quantization);
  const ModelConfig unnamed = good(R"({"quantization_config":{}})");
  EXPECT_EQ(unnamed.quantization_method, "unnamed");
  EXPECT_FALSE(unnamed.quantization);
  EXPECT_NE(unnamed.quantization_problem.find("quantization_config"), std::string::npos);
}

TEST(ModelConfig, FieldsOutOfRangeOrOfTheWrongKind) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"architectures":[]})", "architectures"},
      {R"({"architectures":"Qwen2ForCausalLM"})", "architectures"},
      {R"({"architectures":[1]})", "architectures"},
      {R"({"architectures":null})", "architectures"},
      {R"({"vocab_size":0})", "vocab_size"},
      {R"({"vocab_size":16777217})", "vocab_size"},
      {R"({"vocab_size":"512"})", "vocab_size"},
      {R"({"hidden_size":-64})", "hidden_size"},
      {R"({"hidden_size":64.5})", "hidden_size"},
      {R"({"hidden_size":65})", "multiple of num_attention_heads"},
      {R"({"intermediate_size":0})", "intermediate_size"},
      {R"({"num_hidden_layers":4097})", "num_hidden_layers"},
      {R"({"num_hidden_layers":1e30})", "num_hidden_layers"},
      {R"({"num_attention_heads":0})", "num_attention_heads"},
      {R"({"num_key_value_heads":3})", "multiple of num_key_value_heads"},
      {R"({"num_key_value_heads":8})", "multiple of num_key_value_heads"},
      {R"({"head_dim":15})", "head_dim"},
      {R"({"head_dim":0})", "head_dim"},
      {R"({"max_position_embeddings":0})", "max_position_embeddings"},
      {R"({"rms_norm_eps":0})", "rms_norm_eps"},
      {R"({"rms_norm_eps":-1e-6})", "rms_norm_eps"},
      {R"({"rms_norm_eps":"1e-6"})", "rms_norm_eps"},
      {R"({"rms_norm_eps":2})", "rms_norm_eps"},
      {R"({"rope_theta":1})", "rope_theta"},
      {R"({"rope_theta":-1})", "rope_theta"},
      {R"({"rope_theta":1e300})", "rope_theta"},
      {R"({"rope_scaling":"yarn"})", "rope_scaling"},
      {R"({"rope_scaling":{"type":7}})", "type"},
      {R"({"rope_scaling":{"type":"linear","factor":0.5}})", "factor"},
      {R"({"rope_scaling":{"type":"linear","factor":1e7}})", "factor"},
      {R"({"rope_scaling":{"type":"yarn","factor":2,"original_max_position_embeddings":0}})", "original_max"},
      {R"({"rope_scaling":{"type":"yarn","factor":2,"attention_factor":0}})", "attention_factor"},
      {R"({"rope_scaling":{"type":"yarn","factor":2,"beta_fast":-1}})", "beta_fast"},
      {R"({"rope_scaling":{"type":"yarn","factor":2,"mscale":-1}})", "mscale"},
      {R"({"rope_scaling":{"type":"dynamic","factor":2},"head_dim":2})", "head_dim"},
      {R"({"tie_word_embeddings":1})", "tie_word_embeddings"},
      {R"({"use_sliding_window":true,"sliding_window":0})", "sliding_window"},
      {R"({"max_window_layers":-1})", "max_window_layers"},
      {R"({"layer_types":["full_attention"]})", "layer_types"},
      {R"({"layer_types":{"0":"full_attention"}})", "layer_types"},
      {R"({"layer_types":["sliding_attention","full_attention","full_attention","full_attention"]})",
       "use_sliding_window"},
      {R"({"eos_token_id":512})", "eos_token_id"},
      {R"({"eos_token_id":-1})", "eos_token_id"},
      {R"({"eos_token_id":["x"]})", "eos_token_id"},
      {R"({"bos_token_id":512})", "bos_token_id"},
      {R"({"torch_dtype":16})", "torch_dtype"},
      {R"({"quantization_config":{"quant_method":4}})", "quant_method"},
      {R"({"quantization_config":{"quant_method":"gptq","group_size":0}})", "group_size"},
  };
  for (const auto& [patch, says] : cases) {
    SCOPED_TRACE(patch);
    expect_error(with(patch), ErrorCode::kCorrupt, {says});
  }
  for (const auto* field :
       {"vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"}) {
    expect_error(with(fmt::format(R"({{"{}":null}})", field)), ErrorCode::kNotFound, {field});
  }
  expect_error(with(R"({"rope_scaling":{"type":"yarn"}})"), ErrorCode::kNotFound, {"rope_scaling", "'factor'"});
  expect_error(model_config_from_json(Json::array()), ErrorCode::kCorrupt, {"object"});
}

TEST(ModelConfig, ExpertsOutOfRange) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"num_experts":0})", "num_experts"},
      {R"({"num_experts":4097})", "num_experts"},
      {R"({"num_experts":4096,"num_hidden_layers":65})", "65 layers of 4096 experts"},
      {R"({"num_experts_per_tok":5})", "num_experts_per_tok"},
      {R"({"moe_intermediate_size":0})", "moe_intermediate_size"},
      {R"({"shared_expert_intermediate_size":0})", "shared_expert_intermediate_size"},
      {R"({"decoder_sparse_step":0})", "decoder_sparse_step"},
      {R"({"mlp_only_layers":[4]})", "mlp_only_layers"},
      {R"({"mlp_only_layers":[-1]})", "mlp_only_layers"},
      {R"({"mlp_only_layers":3})", "mlp_only_layers"},
  };
  for (const auto& [patch, says] : cases) {
    SCOPED_TRACE(patch);
    expect_error(with(patch, moe_base()), ErrorCode::kCorrupt, {says});
  }
}

TEST(GenerationDefaults, ReadsWhatIsThere) {
  const auto read = generation_defaults_from_json(Json::parse(R"({"do_sample":true,"temperature":0.6,"top_k":20,
      "top_p":0.95,"min_p":0.05,"repetition_penalty":1.05,"max_new_tokens":2048,"eos_token_id":[3,4],"pad_token_id":0})"));
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->do_sample, true);
  EXPECT_EQ(read->temperature, 0.6);
  EXPECT_EQ(read->top_k, 20);
  EXPECT_EQ(read->top_p, 0.95);
  EXPECT_EQ(read->min_p, 0.05);
  EXPECT_EQ(read->repetition_penalty, 1.05);
  EXPECT_EQ(read->max_new_tokens, 2048);
  EXPECT_EQ(read->eos_token_ids, (std::vector<std::int64_t>{3, 4}));
  const auto empty = generation_defaults_from_json(Json::object());
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->temperature, std::nullopt);
}

TEST(GenerationDefaults, OutOfRangeNamesTheField) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"temperature":-0.1})", "temperature"},
      {R"({"temperature":"hot"})", "temperature"},
      {R"({"top_k":-1})", "top_k"},
      {R"({"top_p":1.5})", "top_p"},
      {R"({"top_p":-0.5})", "top_p"},
      {R"({"min_p":2})", "min_p"},
      {R"({"repetition_penalty":0})", "repetition"},
      {R"({"max_new_tokens":0})", "max_new_tokens"},
      {R"({"do_sample":1})", "do_sample"},
      {R"({"eos_token_id":"</s>"})", "eos_token_id"},
      {R"({"eos_token_id":[1,-2]})", "eos_token_id"},
      {R"([])", "object"},
  };
  for (const auto& [text, says] : cases) {
    SCOPED_TRACE(text);
    expect_error(generation_defaults_from_json(Json::parse(text)), ErrorCode::kCorrupt, {says});
  }
}

ModelConfig golden_config(const std::filesystem::path& tiny, std::string_view name) {
  const auto json = parse_json(testing::read_text(tiny / name / "config.json"), name);
  EXPECT_TRUE(json);
  const auto config = model_config_from_json(json.value_or(Json()));
  EXPECT_TRUE(config) << config.error().message();
  return config.value_or(ModelConfig());
}

TEST(ModelConfigGolden, TheTinyConfigurationsSayWhatTheyAreNamedFor) {
  RETORT_SHARED_OR_SKIP(tiny, "data/golden/tiny");
  EXPECT_TRUE(golden_config(tiny, "tied").tie_word_embeddings);
  EXPECT_EQ(golden_config(tiny, "sliding").layer_windows, (std::vector<std::int64_t>{0, 0, 16, 16}));
  EXPECT_EQ(golden_config(tiny, "window_noop").layer_windows, std::vector<std::int64_t>(4, 0));
  EXPECT_EQ(golden_config(tiny, "odd_head_dim").head_dim, 80);
  EXPECT_EQ(golden_config(tiny, "qwen3").head_dim, 32);
  EXPECT_EQ(golden_config(tiny, "moe").moe->num_experts, 4);
  for (const auto* name : {"yarn", "yarn_type"}) {
    EXPECT_EQ(golden_config(tiny, name).rope_scaling.kind, RopeScalingKind::kYarn);
    EXPECT_EQ(golden_config(tiny, name).rope_scaling.factor, 4.0);
    EXPECT_EQ(golden_config(tiny, name).rope_scaling.original_max_position_embeddings, 32);
  }
  EXPECT_EQ(golden_config(tiny, "small_embed").rms_norm_eps, 1e-5);
}

}  // namespace
}  // namespace retort
