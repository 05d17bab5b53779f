#include <string>

#include "fuzz/seeds.h"

namespace retort::fuzz {

void write_config_seeds(const SeedWriter& seeds) {
  seeds.write("qwen2.json",
              R"({"architectures":["Qwen2ForCausalLM"],"bos_token_id":1,"eos_token_id":2,"hidden_act":"silu",)"
              R"("hidden_size":8,"intermediate_size":12,"max_position_embeddings":64,"max_window_layers":1,)"
              R"("num_attention_heads":2,"num_hidden_layers":2,"num_key_value_heads":1,"rms_norm_eps":1e-06,)"
              R"("rope_theta":10000.0,"rope_scaling":{"type":"yarn","factor":4.0,)"
              R"("original_max_position_embeddings":16},"sliding_window":16,"use_sliding_window":true,)"
              R"("tie_word_embeddings":false,"torch_dtype":"bfloat16","vocab_size":16})");
  seeds.write("qwen2_moe.json",
              R"({"architectures":["Qwen2MoeForCausalLM"],"hidden_size":8,"intermediate_size":12,)"
              R"("num_attention_heads":2,"num_hidden_layers":2,"num_experts":3,"num_experts_per_tok":2,)"
              R"("moe_intermediate_size":6,"shared_expert_intermediate_size":10,"norm_topk_prob":true,)"
              R"("decoder_sparse_step":1,"mlp_only_layers":[1],"qkv_bias":true,"vocab_size":16})");
  seeds.write(
      "qwen3.json",
      R"({"architectures":["Qwen3ForCausalLM"],"head_dim":4,"hidden_size":8,"intermediate_size":12,)"
      R"("layer_types":["full_attention","sliding_attention"],"sliding_window":4,"use_sliding_window":true,)"
      R"("num_attention_heads":2,"num_key_value_heads":2,"num_hidden_layers":2,"vocab_size":16,"dtype":"float32",)"
      R"("rope_parameters":{"rope_type":"dynamic","rope_theta":1e6,"factor":2,"attention_factor":1.0,)"
      R"("beta_fast":32,"beta_slow":1,"mscale":1.0,"mscale_all_dim":0.5,"truncate":false,)"
      R"("partial_rotary_factor":1.0},"quantization_config":{"quant_method":"awq"}})");
  const std::string start =
      R"({"architectures":["Qwen2ForCausalLM"],"hidden_size":8,"intermediate_size":16,"num_attention_heads":2,)"
      R"("num_hidden_layers":2,"vocab_size":16,"quantization_config":)";
  seeds.write("awq.json", start + R"({"quant_method":"awq","bits":4,"group_size":128,"version":"gemm",)"
                                  R"("zero_point":true,"lm_head":true,"modules_to_not_convert":["self_attn"]}})");
  seeds.write("gptq.json", start + R"({"quant_method":"gptq","bits":8,"group_size":-1,"desc_act":true,"sym":false,)"
                                   R"("checkpoint_format":"gptq_v2","dynamic":{"-:.*\\.1\\..*":{}}}})");
  seeds.write("fp8.json", start + R"({"quant_method":"fp8","fmt":"e4m3","weight_block_size":[128,128],)"
                                  R"("ignored_layers":["lm_head"],"modules_to_not_convert":["model.layers.1"]}})");
  seeds.write("compressed.json",
              start + R"j({"quant_method":"compressed-tensors","format":"pack-quantized","ignore":["lm_head",)j"
                      R"j("re:^.*mlp\\.experts\\.\\d+\\.(?:gate|up)?_proj[^a-z]*$"],"config_groups":{"g":)j"
                      R"j({"targets":["Linear"],"weights":{"num_bits":4,"type":"int","strategy":"group",)j"
                      R"j("group_size":32,"symmetric":false,"actorder":"group"}},"h":{"format":"float-quantized",)j"
                      R"j("targets":["re:.*(q|k)_proj"],"weights":{"type":"float","block_structure":[16,8]}}}}})j");
  seeds.write("generation.json",
              R"({"do_sample":true,"temperature":0.6,"top_k":20,"top_p":0.95,"min_p":0.0,"repetition_penalty":1.05,)"
              R"("max_new_tokens":2048,"eos_token_id":[2,3]})");
}

}  // namespace retort::fuzz
