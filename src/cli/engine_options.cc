#include "cli/engine_options.h"

#include <cmath>
#include <cstdlib>

namespace retort::cli {

void add_engine_options(Command command, EngineOptions& options) {
  add_kv_cache_dtype_option(command, options.kv_cache_dtype);
  add_kv_window_options(command, options.kv_window);
  command.add("--kv-cache-memory", options.kv_cache_memory, "Memory for keys and values, as in 4G; none: what is left");
  command.add("--gpu-memory-utilization", options.gpu_memory_utilization,
              "Share of this machine's memory that weights, cache and activations may take [0.9]");
  command
      .add("--max-model-len", options.max_model_len, "Prompt and output of a request; 0: what the model was made for")
      .show_default();
  command.add("--max-num-seqs", options.max_num_seqs, "Requests that run at a time").show_default();
  command.add("--max-num-batched-tokens", options.max_num_batched_tokens, "Tokens of a step, of all requests together")
      .show_default();
  command
      .add("--kv-edge-layers", options.kv_edge_layers,
           "First and last layers whose keys and values stay bf16 beside an 8-bit type")
      .show_default();
  command.add_flag("--no-enable-prefix-caching", options.no_prefix_caching, "Compute every prompt from its start");
}

Expected<std::uint64_t> parse_bytes(std::string_view text, std::string_view option) {
  const std::string copy(text);
  char* end = nullptr;
  const double number = std::strtod(copy.c_str(), &end);
  std::string_view unit(end);
  double factor = 1;
  if (!unit.empty()) {
    const std::size_t index = std::string_view("kKmMgGtT").find(unit.front());
    if (index != std::string_view::npos) {
      const std::size_t power = index / 2 + 1;  // both letters of a unit
      factor = std::pow(1024.0, static_cast<double>(power));
      unit.remove_prefix(1);
    }
  }
  const bool known = unit.empty() || unit == "B" || unit == "iB" || unit == "b" || unit == "ib";
  if (end == copy.c_str() || !known || !(number > 0) || number * factor > 0x1p60) {
    return fail(ErrorCode::kInvalidArgument, "{} must be a size such as 512M or 4G but is '{}'", option, text);
  }
  return static_cast<std::uint64_t>(number * factor);
}

// Of requests and of tokens per step: far beyond use, and small enough that no product of sizes overflows.
constexpr std::int64_t kMost = std::int64_t{1} << 20;

Expected<EngineConfig> engine_config(const EngineOptions& options, const Model& model) {
  EngineConfig config;
  RETORT_TRY(config.memory.kv_cache_type, resolve_kv_cache_type(options.kv_cache_dtype, model));
  RETORT_TRY(config.kv_window, resolve_kv_window(options.kv_window));
  if (!options.kv_cache_memory.empty()) {
    RETORT_TRY(config.memory.kv_cache_memory, parse_bytes(options.kv_cache_memory, "--kv-cache-memory"));
  }
  if (options.gpu_memory_utilization) config.memory.gpu_memory_utilization = *options.gpu_memory_utilization;
  const std::pair<const char*, std::int64_t> at_least_one[] = {
      {"--max-num-seqs", options.max_num_seqs}, {"--max-num-batched-tokens", options.max_num_batched_tokens}};
  for (const auto& [name, value] : at_least_one) {
    if (value < 1 || value > kMost) {
      return fail(ErrorCode::kInvalidArgument, "{} must be 1 to {} but is {}", name, kMost, value);
    }
  }
  if (options.max_model_len < 0 || options.kv_edge_layers < 0) {
    return fail(ErrorCode::kInvalidArgument, "--max-model-len and --kv-edge-layers must be 0 or more");
  }
  config.memory.max_model_len = options.max_model_len;
  config.memory.max_num_seqs = options.max_num_seqs;
  config.memory.max_num_batched_tokens = options.max_num_batched_tokens;
  config.memory.kv_edge_layers = options.kv_edge_layers;
  if (options.no_prefix_caching) config.enable_prefix_caching = SchedulerConfig::PrefixCaching::kOff;
  return config;
}

}  // namespace retort::cli
