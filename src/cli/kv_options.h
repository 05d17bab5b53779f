// --kv-cache-dtype and --kv-window, as the commands that run a model share it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/command_line.h"
#include "core/error.h"
#include "nn/model.h"

namespace retort::cli {

void add_kv_cache_dtype_option(Command command, std::string& variable);
/// "auto" is the model's own choice (f32 for --quality exact, else bf16); "fp8" is fp8_e4m3.
Expected<KvCacheType> resolve_kv_cache_type(std::string_view text, const Model& model);

struct KvWindowFlags {
  std::string mode = "config";
  std::optional<double> mass;
  std::optional<std::int64_t> size;
  std::string layers;  // as in 0-6,9; empty: all
};
void add_kv_window_options(Command command, KvWindowFlags& flags);
/// kInvalidArgument naming the option.
Expected<KvWindowOptions> resolve_kv_window(const KvWindowFlags& flags);

}  // namespace retort::cli
