// Any text as config.json and as generation_config.json: an error, or a configuration that keeps its promises.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/error.h"
#include "core/json.h"
#include "io/model_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto json = retort::parse_json({reinterpret_cast<const char*>(data), size}, "input");
  if (!json) return 0;
  static_cast<void>(retort::generation_defaults_from_json(*json));
  const auto config = retort::model_config_from_json(*json);
  if (!config) return 0;
  RETORT_CHECK(config->num_attention_heads % config->num_key_value_heads == 0);
  RETORT_CHECK(config->head_dim % 2 == 0);
  RETORT_CHECK(config->layer_windows.size() == static_cast<std::size_t>(config->num_hidden_layers));
  RETORT_CHECK(config->rms_norm_eps > 0 && config->rope_theta > 1 && config->rope_scaling.factor >= 1);
  for (std::int64_t layer = 0; layer < config->num_hidden_layers; ++layer) {
    static_cast<void>(config->is_moe_layer(layer));
  }
  if (config->quantization) {
    for (const auto* module : {"lm_head", "model.embed_tokens", "model.layers.10.self_attn.q_proj"}) {
      const retort::WeightScheme* scheme = config->quantization->scheme_for(module);
      if (!scheme) continue;
      RETORT_CHECK(scheme->bits == 4 || scheme->bits == 8);
      RETORT_CHECK(scheme->scale != retort::ScaleBlock::kGroup || scheme->group_size > 0);
      RETORT_CHECK(scheme->scale != retort::ScaleBlock::kBlock ||
                   (scheme->block_rows > 0 && scheme->block_columns > 0));
    }
  }
  return 0;
}
