#include "cli/kv_options.h"

#include <algorithm>
#include <iterator>

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

void add_kv_window_options(Command command, KvWindowFlags& flags) {
  command
      .add("--kv-window", flags.mode,
           "What tokens see of the text before: config (what the model was made with), full, sinks, or dynamic")
      .show_default();
  command.add("--kv-window-mass", flags.mass,
              "With dynamic: the share of the attention that each layer's window must hold [0.99]");
  command.add("--kv-window-size", flags.size,
              "With sinks: positions that are kept besides the first 64, in whole blocks of 64");
}

Expected<KvWindowOptions> resolve_kv_window(const KvWindowFlags& flags) {
  KvWindowOptions options;
  const auto mode = std::ranges::find_if(kKvWindowModes, [&](KvWindowMode m) { return flags.mode == to_string(m); });
  if (mode == std::end(kKvWindowModes)) {
    return fail(ErrorCode::kInvalidArgument, "--kv-window must be config, full, sinks or dynamic but is '{}'",
                flags.mode);
  }
  options.mode = *mode;
  if (flags.mass && options.mode != KvWindowMode::kDynamic) {
    return fail(ErrorCode::kInvalidArgument, "--kv-window-mass goes with --kv-window dynamic, not with {}", flags.mode);
  }
  if (flags.size.has_value() != (options.mode == KvWindowMode::kSinks)) {
    return fail(ErrorCode::kInvalidArgument,
                "--kv-window sinks and --kv-window-size go together; give both or neither");
  }
  if (flags.mass) options.mass = *flags.mass;
  if (flags.size) options.size = *flags.size;
  RETORT_TRY_STATUS(check_kv_window_options(options));
  return options;
}

}  // namespace retort::cli
