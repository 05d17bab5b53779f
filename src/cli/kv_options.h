// --kv-cache-dtype, as the commands that run a model share it.
#pragma once

#include <string>
#include <string_view>

#include "cli/command_line.h"
#include "core/error.h"
#include "nn/model.h"

namespace retort::cli {

void add_kv_cache_dtype_option(Command command, std::string& variable);
/// "auto" is the model's own choice (f32 for --quality exact, else bf16); "fp8" is fp8_e4m3.
Expected<KvCacheType> resolve_kv_cache_type(std::string_view text, const Model& model);

}  // namespace retort::cli
