// The sampling flags of every command that generates, and where their defaults come from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command_line.h"
#include "engine/sampler.h"
#include "io/model_config.h"

namespace retort::cli {

/// nullopt: not given.
struct SamplingOptions {
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::optional<std::int64_t> top_k;
  std::optional<double> min_p;
  std::optional<double> repetition_penalty;
  std::optional<double> presence_penalty;
  std::optional<double> frequency_penalty;
  std::optional<std::uint64_t> seed;
  std::optional<std::int64_t> max_tokens;
};

/// --temperature ... --seed, --max-tokens
void add_sampling_options(Command command, SamplingOptions& options);

/// What is not given comes from the checkpoint's generation_config.json if that says anything about sampling (what it
/// leaves out is neutral then, and do_sample false means greedy); else 0.6 and 0.95, which R1's makers recommend. No
/// seed: a random one. Checked.
Expected<SamplingParams> resolve_sampling(const SamplingOptions& options, const GenerationDefaults& defaults);
/// --max-tokens, else max_new_tokens of generation_config.json, else -1.
std::int64_t resolve_max_tokens(const SamplingOptions& options, const GenerationDefaults& defaults);

/// Sets one by its name ("temperature", "top_p" or "top-p", ...) from text; kInvalidArgument naming what is wrong.
Status set_sampling_option(SamplingOptions& options, std::string_view name, std::string_view value);

/// "temperature 0.6", ... one per parameter, for display.
std::vector<std::string> describe_sampling(const SamplingParams& params, std::int64_t max_tokens);

}  // namespace retort::cli
