#include "cli/kv_options.h"

namespace retort::cli {

void add_kv_cache_dtype_option(Command command, std::string& variable) {
  command
      .add("--kv-cache-dtype", variable,
           "auto, f32, bf16, fp8 (fp8_e4m3) or int8; auto: f32 for --quality exact, else bf16")
      .show_default();
}

Expected<KvCacheType> resolve_kv_cache_type(std::string_view text, const Model& model) {
  if (text == "auto") return model.kv_cache_type();
  if (text == "fp8") return KvCacheType::kFp8E4m3;
  for (const KvCacheType type : kKvCacheTypes) {
    if (text == to_string(type)) return type;
  }
  return fail(ErrorCode::kInvalidArgument,
              "--kv-cache-dtype must be auto, f32, bf16, fp8, fp8_e4m3 or int8 but is '{}'", text);
}

}  // namespace retort::cli
