#include "cli/sampling_options.h"

#include <algorithm>
#include <charconv>
#include <random>

namespace retort::cli {

void add_sampling_options(Command command, SamplingOptions& options) {
  const std::string group = "Sampling (defaults: generation_config.json, else temperature 0.6 and top-p 0.95)";
  const auto add = [&](const char* flag, auto& value, const char* help) {
    command.add(flag, value, help).group(group);
  };
  add("--temperature", options.temperature, "0 is greedy: always the likeliest token");
  add("--top-p", options.top_p, "Only the likeliest tokens that hold this share of the probability");
  add("--top-k", options.top_k, "Only the k likeliest tokens; 0 or -1 for all");
  add("--min-p", options.min_p, "Only tokens with at least this share of the likeliest one's probability");
  add("--repetition-penalty", options.repetition_penalty, "Above 1: tokens of prompt and answer are less likely");
  add("--presence-penalty", options.presence_penalty, "-2 to 2, off the logits of tokens the answer has");
  add("--frequency-penalty", options.frequency_penalty, "-2 to 2, the same per occurrence");
  add("--seed", options.seed, "The same seed gives the same answer [a random one, told by --json]");
  add("--max-tokens", options.max_tokens,
      "Most tokens of an answer [max_new_tokens of generation_config.json, else what the context leaves]");
}

Expected<SamplingParams> resolve_sampling(const SamplingOptions& options, const GenerationDefaults& defaults) {
  const bool told = defaults.do_sample || defaults.temperature || defaults.top_k || defaults.top_p || defaults.min_p ||
                    defaults.repetition_penalty;
  SamplingParams params;
  params.temperature = defaults.temperature.value_or(told ? 1.0 : 0.6);
  params.top_p = defaults.top_p.value_or(told ? 1.0 : 0.95);
  params.top_k = defaults.top_k.value_or(0);
  params.min_p = defaults.min_p.value_or(0.0);
  params.repetition_penalty = defaults.repetition_penalty.value_or(1.0);
  if (defaults.do_sample && !*defaults.do_sample) params.temperature = 0;

  params.temperature = options.temperature.value_or(params.temperature);
  params.top_p = options.top_p.value_or(params.top_p);
  params.top_k = options.top_k.value_or(params.top_k);
  params.min_p = options.min_p.value_or(params.min_p);
  params.repetition_penalty = options.repetition_penalty.value_or(params.repetition_penalty);
  params.presence_penalty = options.presence_penalty.value_or(0.0);
  params.frequency_penalty = options.frequency_penalty.value_or(0.0);
  if (options.seed) {
    params.seed = *options.seed;
  } else {
    std::random_device device;
    params.seed = device();  // 32 bits: short enough to be typed again
  }
  RETORT_TRY_STATUS(check(params));
  return params;
}

std::int64_t resolve_max_tokens(const SamplingOptions& options, const GenerationDefaults& defaults) {
  return options.max_tokens.value_or(defaults.max_new_tokens.value_or(-1));
}

namespace {

template <typename T>
Status parse_into(std::optional<T>& option, std::string_view name, std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return fail(ErrorCode::kInvalidArgument, "{} must be a number but is '{}'", name, text);
  }
  option = value;
  return {};
}

}  // namespace

Status set_sampling_option(SamplingOptions& options, std::string_view name, std::string_view value) {
  std::string key(name);
  std::replace(key.begin(), key.end(), '-', '_');
  if (key == "temperature") return parse_into(options.temperature, key, value);
  if (key == "top_p") return parse_into(options.top_p, key, value);
  if (key == "top_k") return parse_into(options.top_k, key, value);
  if (key == "min_p") return parse_into(options.min_p, key, value);
  if (key == "repetition_penalty") return parse_into(options.repetition_penalty, key, value);
  if (key == "presence_penalty") return parse_into(options.presence_penalty, key, value);
  if (key == "frequency_penalty") return parse_into(options.frequency_penalty, key, value);
  if (key == "seed") return parse_into(options.seed, key, value);
  if (key == "max_tokens") return parse_into(options.max_tokens, key, value);
  return fail(ErrorCode::kInvalidArgument,
              "no parameter '{}'; there are temperature, top_p, top_k, min_p, repetition_penalty, presence_penalty, "
              "frequency_penalty, seed, max_tokens",
              name);
}

std::vector<std::string> describe_sampling(const SamplingParams& params, std::int64_t max_tokens) {
  return {fmt::format("temperature {}{}", params.temperature, params.temperature == 0 ? " (greedy)" : ""),
          fmt::format("top_p {}", params.top_p),
          fmt::format("top_k {}{}", params.top_k, params.top_k <= 0 ? " (all)" : ""),
          fmt::format("min_p {}", params.min_p),
          fmt::format("repetition_penalty {}", params.repetition_penalty),
          fmt::format("presence_penalty {}", params.presence_penalty),
          fmt::format("frequency_penalty {}", params.frequency_penalty),
          fmt::format("seed {}", params.seed),
          max_tokens < 0 ? std::string("max_tokens -1 (what the context leaves)")
                         : fmt::format("max_tokens {}", max_tokens)};
}

}  // namespace retort::cli
