// The options of commands that run an engine, as vLLM names them.
#pragma once

#include <memory>
#include <string>

#include "cli/command_line.h"
#include "cli/kv_options.h"
#include "core/error.h"
#include "engine/engine.h"

namespace retort::cli {

struct EngineOptions {
  std::string kv_cache_dtype = "auto";
  KvWindowFlags kv_window;
  std::string kv_cache_memory;  ///< "4G"; empty: what is left
  std::optional<double> gpu_memory_utilization;
  std::int64_t max_model_len = 0;
  std::int64_t max_num_seqs = 256;
  std::int64_t max_num_batched_tokens = 2048;
  std::int64_t kv_edge_layers = 0;
  bool no_prefix_caching = false;
};
void add_engine_options(Command command, EngineOptions& options);
/// kInvalidArgument naming the option.
Expected<EngineConfig> engine_config(const EngineOptions& options, const Model& model);

/// "512M", "4G", "4GiB", "1.5g" or plain bytes; units are powers of 1024.
Expected<std::uint64_t> parse_bytes(std::string_view text, std::string_view option);

}  // namespace retort::cli
