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
  seeds.write("generation.json",
              R"({"do_sample":true,"temperature":0.6,"top_k":20,"top_p":0.95,"min_p":0.0,"repetition_penalty":1.05,)"
              R"("max_new_tokens":2048,"eos_token_id":[2,3]})");
}

}  // namespace retort::fuzz
