// quantization_config: the schemes that it gives to modules, and what is refused.
#include "io/quantization_config.h"

#include <gtest/gtest.h>

#include "core/json.h"
#include "testing/expect_error.h"

namespace retort {
namespace {

using ::retort::testing::expect_error;

constexpr std::string_view kQ = "model.layers.10.self_attn.q_proj";
constexpr std::string_view kDown = "model.layers.1.mlp.down_proj";

QuantizationConfig read_quantization_of(std::string_view json) {
  auto read = quantization_config_from_json(Json::parse(json));
  EXPECT_TRUE(read) << read.error().message();
  return read ? std::move(*read) : QuantizationConfig();
}

std::string name_for(const QuantizationConfig& config, std::string_view module) {
  const WeightScheme* scheme = config.scheme_for(module);
  return scheme ? to_string(*scheme) : "";
}

Json compressed(std::string_view weights, std::string_view format = "pack-quantized") {
  Json config = Json::parse(R"({"quant_method":"compressed-tensors","quantization_status":"compressed",
    "ignore":["lm_head"],"kv_cache_scheme":null,"global_compression_ratio":1.5,"version":"0.9",
    "config_groups":{"group_0":{"targets":["Linear"],"input_activations":null,"output_activations":null}}})");
  config["format"] = format;
  config["config_groups"]["group_0"]["weights"] = Json::parse(weights);
  return config;
}

TEST(QuantizationConfig, AwqAsPublished) {
  const auto config = read_quantization_of(R"({"bits":4,"group_size":128,"modules_to_not_convert":null,
    "quant_method":"awq","version":"gemm","zero_point":true})");
  EXPECT_EQ(config.method(), "awq");
  const WeightScheme* scheme = config.scheme_for(kQ);
  ASSERT_NE(scheme, nullptr);
  EXPECT_EQ(*scheme, (WeightScheme{.layout = WeightLayout::kAwq, .group_size = 128, .zero = ZeroPoint::kStored}));
  EXPECT_EQ(config.scheme_for("lm_head"), nullptr);
  EXPECT_EQ(config.scheme_for("model.embed_tokens"), nullptr);
  EXPECT_NE(read_quantization_of(R"({"quant_method":"awq","lm_head":true})").scheme_for("lm_head"), nullptr);
  EXPECT_EQ(
      name_for(read_quantization_of(R"({"quant_method":"awq","w_bit":4,"q_group_size":64,"version":"GEMM"})"), kQ),
      "int4 g64");
  EXPECT_EQ(name_for(read_quantization_of(R"({"quant_method":"awq","group_size":-1})"), kQ), "int4 row");
}

TEST(QuantizationConfig, AwqLeavesOutWhatContainsAPart) {
  const auto config =
      read_quantization_of(R"({"quant_method":"awq","modules_to_not_convert":["self_attn","layers.1."]})");
  EXPECT_EQ(config.scheme_for(kQ), nullptr);
  EXPECT_EQ(config.scheme_for(kDown), nullptr);
  EXPECT_NE(config.scheme_for("model.layers.10.mlp.down_proj"), nullptr);
}

TEST(QuantizationConfig, GptqAsPublished) {
  const auto config = read_quantization_of(R"({"batch_size":1,"bits":4,"block_name_to_quantize":null,
    "cache_block_outputs":true,"damp_percent":0.01,"dataset":null,"desc_act":false,"exllama_config":{"version":1},
    "group_size":128,"max_input_length":null,"model_seqlen":null,"quant_method":"gptq","sym":true,
    "true_sequential":true,"use_cuda_fp16":false})");
  const WeightScheme* scheme = config.scheme_for(kQ);
  ASSERT_NE(scheme, nullptr);
  EXPECT_EQ(*scheme, (WeightScheme{.layout = WeightLayout::kGptq, .group_size = 128}));
  EXPECT_EQ(config.scheme_for("lm_head"), nullptr);
  const auto zero = [](std::string_view json) { return read_quantization_of(json).scheme_for(kQ)->zero; };
  EXPECT_EQ(zero(R"({"quant_method":"gptq","sym":false})"), ZeroPoint::kStoredMinusOne);
  EXPECT_EQ(zero(R"({"quant_method":"gptq","sym":false,"checkpoint_format":"gptq_v2"})"), ZeroPoint::kStored);
  EXPECT_EQ(zero(R"({"quant_method":"gptq","sym":true,"checkpoint_format":"gptq_v2"})"), ZeroPoint::kMiddle);
  EXPECT_EQ(zero(R"({"quant_method":"gptq","sym":false,"format":"gptq_v2"})"), ZeroPoint::kStored);
  const auto ordered = read_quantization_of(R"({"quant_method":"gptq","bits":8,"group_size":32,"desc_act":true})");
  EXPECT_TRUE(ordered.scheme_for(kQ)->activation_order);
  EXPECT_EQ(name_for(ordered, kQ), "int8 g32");
  EXPECT_FALSE(read_quantization_of(R"({"quant_method":"gptq","group_size":-1,"desc_act":true})")
                   .scheme_for(kQ)
                   ->activation_order)
      << "one group has no order";
}

TEST(QuantizationConfig, GptqRulesMayLeaveModulesAsTheyAre) {
  const auto config =
      read_quantization_of(R"({"quant_method":"gptq","dynamic":{"-:.*\\.layers\\.1\\..*":{},"-:.*mlp.gate$":{}}})");
  EXPECT_EQ(config.scheme_for(kDown), nullptr);
  EXPECT_NE(config.scheme_for(kQ), nullptr);
}

TEST(QuantizationConfig, Fp8OfBlocksAndOfTensors) {
  const auto blocks = read_quantization_of(R"({"activation_scheme":"dynamic","fmt":"e4m3","quant_method":"fp8",
    "weight_block_size":[128,128],"modules_to_not_convert":["lm_head","model.layers.1","self_attn.k_proj"]})");
  const WeightScheme* scheme = blocks.scheme_for(kQ);
  ASSERT_NE(scheme, nullptr) << "layers.1 is not layers.10";
  EXPECT_EQ(*scheme, (WeightScheme{.layout = WeightLayout::kFp8,
                                   .bits = 8,
                                   .scale = ScaleBlock::kBlock,
                                   .block_rows = 128,
                                   .block_columns = 128,
                                   .inverse_name = true}));
  EXPECT_EQ(blocks.scheme_for(kDown), nullptr);
  EXPECT_EQ(blocks.scheme_for("model.layers.10.self_attn.k_proj"), nullptr);
  EXPECT_EQ(blocks.scheme_for("lm_head"), nullptr);
  const auto tensor =
      read_quantization_of(R"({"quant_method":"fp8","activation_scheme":"static","ignored_layers":["lm_head"]})");
  EXPECT_EQ(name_for(tensor, kQ), "fp8 tensor");
  EXPECT_FALSE(tensor.scheme_for(kQ)->inverse_name);
  EXPECT_EQ(tensor.scheme_for("lm_head"), nullptr);
}

TEST(QuantizationConfig, CompressedTensorsSchemes) {
  struct Case {
    const char* weights;
    const char* format;
    const char* name;
  };
  const Case cases[] = {
      {R"({"num_bits":4,"type":"int","symmetric":true,"strategy":"group","group_size":128,"actorder":null,
        "block_structure":null,"dynamic":false,"observer":"minmax","observer_kwargs":{}})",
       "pack-quantized", "int4 g128"},
      {R"({"num_bits":4,"strategy":"group","group_size":128,"actorder":"weight"})", "pack-quantized", "int4 g128"},
      {R"({"num_bits":8,"type":"int","strategy":"channel","group_size":null})", "pack-quantized", "int8 row"},
      {R"({"num_bits":8,"type":"int","group_size":-1})", "pack-quantized", "int8 row"},
      {R"({"num_bits":8,"type":"int","strategy":"channel"})", "int-quantized", "int8 row"},
      {R"({"num_bits":8,"type":"int"})", "int-quantized", "int8 tensor"},
      {R"({"num_bits":8,"type":"int","group_size":64})", "naive-quantized", "int8 g64"},
      {R"({"num_bits":8,"type":"float","strategy":"channel"})", "float-quantized", "fp8 row"},
      {R"({"num_bits":8,"type":"float","strategy":"tensor"})", "naive-quantized", "fp8 tensor"},
      {R"({"num_bits":8,"type":"float","strategy":"block","block_structure":[128,64]})", "float-quantized",
       "fp8 128x64"},
  };
  for (const Case& c : cases) {
    const auto read = quantization_config_from_json(compressed(c.weights, c.format));
    ASSERT_TRUE(read) << c.weights << ": " << read.error().message();
    EXPECT_EQ(name_for(*read, kQ), c.name) << c.weights;
    EXPECT_EQ(name_for(*read, "lm_head"), "");
  }
  const auto asymmetric = quantization_config_from_json(
      compressed(R"({"num_bits":4,"strategy":"group","group_size":32,"symmetric":false,"actorder":"group"})"));
  ASSERT_TRUE(asymmetric);
  EXPECT_EQ(asymmetric->scheme_for(kQ)->zero, ZeroPoint::kStored);
  EXPECT_TRUE(asymmetric->scheme_for(kQ)->activation_order);
}

TEST(QuantizationConfig, AnExactNameWinsOverAPatternAndThatOverTheClass) {
  const auto config = read_quantization_of(R"({"quant_method":"compressed-tensors","format":"mixed-precision",
    "ignore":["re:.*layers\\.7\\..*"],"config_groups":{
    "a":{"targets":["Linear"],"format":"int-quantized","weights":{"num_bits":8,"strategy":"channel"}},
    "b":{"targets":["re:.*_proj$"],"format":"pack-quantized","weights":{"num_bits":4,"group_size":32}},
    "c":{"targets":["model.layers.1.mlp.down_proj"],"format":"float-quantized",
         "weights":{"num_bits":8,"type":"float","strategy":"channel"}}}})");
  EXPECT_EQ(name_for(config, kDown), "fp8 row");
  EXPECT_EQ(name_for(config, kQ), "int4 g32");
  EXPECT_EQ(name_for(config, "lm_head"), "int8 row");
  EXPECT_EQ(name_for(config, "model.layers.7.mlp.down_proj"), "");
  EXPECT_EQ(config.schemes().size(), 3U);
}

TEST(QuantizationConfig, WhatIsNotRunIsNamed) {
  const std::pair<const char*, std::vector<std::string_view>> cases[] = {
      {R"({"quant_method":"bitsandbytes"})", {"bitsandbytes", "GGUF"}},
      {R"({})", {"unnamed"}},
      {R"({"quant_method":"awq","version":"gemv"})", {"version", "gemm", "gemv"}},
      {R"({"quant_method":"awq","bits":8})", {"bits", "4", "8"}},
      {R"({"quant_method":"awq","zero_point":false})", {"zero_point"}},
      {R"({"quant_method":"gptq","bits":3})", {"bits", "4 or 8", "3"}},
      {R"({"quant_method":"gptq","checkpoint_format":"marlin"})", {"checkpoint_format", "marlin"}},
      {R"({"quant_method":"gptq","is_marlin_format":true})", {"is_marlin_format"}},
      {R"({"quant_method":"gptq","pack_dtype":"int16"})", {"pack_dtype", "int16"}},
      {R"({"quant_method":"gptq","dynamic":{"+:.*down.*":{"bits":8}}})", {"dynamic", "+:.*down.*"}},
      {R"({"quant_method":"fp8","fmt":"e5m2"})", {"fmt", "e5m2"}},
  };
  for (const auto& [json, says] : cases) {
    SCOPED_TRACE(json);
    const auto read = quantization_config_from_json(Json::parse(json));
    for (const std::string_view part : says) expect_error(read, ErrorCode::kUnsupported, {part});
  }
  const auto refused = [](const Json& config, std::initializer_list<std::string_view> says) {
    expect_error(quantization_config_from_json(config), ErrorCode::kUnsupported, says);
  };
  const char* int4 = R"({"num_bits":4,"group_size":32})";
  refused(compressed(int4, "nvfp4-pack-quantized"), {"config_groups.group_0", "nvfp4-pack-quantized"});
  refused(compressed(R"({"num_bits":4})", "int-quantized"), {"num_bits", "8"});
  refused(compressed(R"({"num_bits":8,"type":"float","symmetric":false})", "float-quantized"), {"symmetric"});
  refused(compressed(R"({"num_bits":8,"type":"float","group_size":32})", "float-quantized"), {"strategy", "group"});
  refused(compressed(R"({"num_bits":4,"group_size":32,"actorder":"other"})"), {"actorder", "other"});
  refused(compressed(R"({"num_bits":4,"group_size":32,"dynamic":true})"), {"dynamic"});
  const auto patched = [&](std::string_view patch) {
    Json config = compressed(int4);
    config.merge_patch(Json::parse(patch));
    return config;
  };
  refused(patched(R"({"quantization_status":"frozen"})"), {"quantization_status", "frozen"});
  refused(patched(R"({"sparsity_config":{"format":"sparse-24-bitmask"}})"), {"sparsity_config", "sparse-24"});
  refused(patched(R"({"transform_config":{"config_groups":{"u":{}}}})"), {"transform_config"});
  refused(patched(R"({"config_groups":{"group_0":{"output_activations":{"num_bits":8}}}})"), {"output_activations"});
  refused(patched(R"({"config_groups":{"group_0":{"targets":["Embedding"]}}})"), {"targets", "Embedding"});
  refused(patched(R"j({"ignore":["re:(?!x)"]})j"), {"ignore", "(?!x)", "lookaround"});
  EXPECT_TRUE(quantization_config_from_json(patched(R"({"sparsity_config":{},"transform_config":{}})")));
  Json many = compressed(int4);
  for (int i = 0; i < 257; ++i) many["ignore"].push_back(fmt::format("re:a{}", i));
  refused(many, {"ignore", "256"});
}

TEST(QuantizationConfig, WhatMakesNoSenseIsCorrupt) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"quant_method":"awq","group_size":0})", "group_size"},
      {R"({"quant_method":"awq","group_size":-2})", "group_size"},
      {R"({"quant_method":"gptq","group_size":0})", "group_size"},
      {R"({"quant_method":"gptq","group_size":"128"})", "group_size"},
      {R"({"quant_method":"gptq","desc_act":1})", "desc_act"},
      {R"({"quant_method":"gptq","dynamic":[]})", "dynamic"},
      {R"({"quant_method":"gptq","bits":0})", "bits"},
      {R"({"quant_method":"awq","modules_to_not_convert":"lm_head"})", "modules_to_not_convert"},
      {R"({"quant_method":"awq","modules_to_not_convert":[1]})", "modules_to_not_convert"},
      {R"({"quant_method":"fp8","weight_block_size":[128]})", "weight_block_size"},
      {R"({"quant_method":"fp8","weight_block_size":[0,128]})", "weight_block_size"},
      {R"({"quant_method":"fp8","weight_block_size":[-1,128]})", "weight_block_size"},
      {R"({"quant_method":"compressed-tensors"})", "config_groups"},
      {R"({"quant_method":"compressed-tensors","config_groups":{"g":{}}})", "weights"},
      {R"({"quant_method":"compressed-tensors","config_groups":{"g":7}})", "weights"},
      {R"("awq")", "object"},
  };
  for (const auto& [json, says] : cases) {
    SCOPED_TRACE(json);
    expect_error(quantization_config_from_json(Json::parse(json)), ErrorCode::kCorrupt, {says});
  }
  expect_error(quantization_config_from_json(compressed(R"({"num_bits":4,"group_size":0})")), ErrorCode::kCorrupt,
               {"group_size"});
  Json no_targets = compressed(R"({"num_bits":4,"group_size":32})");
  no_targets["config_groups"]["group_0"]["targets"] = Json::array();
  expect_error(quantization_config_from_json(no_targets), ErrorCode::kCorrupt, {"targets"});
}

}  // namespace
}  // namespace retort
