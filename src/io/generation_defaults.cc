// generation_config.json: what a checkpoint's makers advise to sample with.
#include <algorithm>
#include <limits>

#include "core/json.h"
#include "io/model_config.h"
#include "io/model_config_check.h"
#include "io/token_ids.h"

namespace retort {
namespace {

constexpr std::size_t kMaxEosIds = 1024;
constexpr double kHuge = std::numeric_limits<double>::max();

struct NumberRange {
  double min;
  double max;
};

Expected<std::optional<double>> number_in(const Json& config, std::string_view key, NumberRange range) {
  if (!json_find(config, key)) return std::nullopt;
  RETORT_TRY(const double value, json_number(config, key));
  if (value >= range.min && value <= range.max) return value;
  if (range.max == kHuge) {
    return fail(ErrorCode::kCorrupt, "field '{}' must be at least {} but is {}", key, range.min, value);
  }
  return fail(ErrorCode::kCorrupt, "field '{}' must be from {} to {} but is {}", key, range.min, range.max, value);
}

Expected<std::optional<std::int64_t>> int_in(const Json& config, std::string_view key, IntRange range) {
  if (!json_find(config, key)) return std::nullopt;
  return json_int(config, key, range);
}

}  // namespace

Expected<std::vector<std::int64_t>> read_token_ids(const Json& object, std::string_view key) {
  std::vector<std::int64_t> ids;
  const Json* value = json_find(object, key);
  if (!value) return ids;
  if (!value->is_array()) {
    RETORT_TRY(const std::int64_t id, json_int(object, key, {0, kMaxVocab}));
    ids.push_back(id);
    return ids;
  }
  if (value->size() > kMaxEosIds) {
    return fail(ErrorCode::kCorrupt, "field '{}' has {} ids; at most {} are read", key, value->size(), kMaxEosIds);
  }
  for (const Json& id : *value) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() > static_cast<std::uint64_t>(kMaxVocab)) {
      return fail(ErrorCode::kCorrupt, "field '{}' must hold token ids, from 0 to {}", key, kMaxVocab);
    }
    add_token_id(ids, id.get<std::int64_t>());
  }
  return ids;
}

void add_token_id(std::vector<std::int64_t>& ids, std::int64_t id) {
  if (std::ranges::find(ids, id) == ids.end()) ids.push_back(id);
}

Expected<GenerationDefaults> generation_defaults_from_json(const Json& config) {
  if (!config.is_object()) return fail(ErrorCode::kCorrupt, "the generation configuration must be a JSON object");
  constexpr std::int64_t kMaxTokens = std::int64_t{1} << 31;
  GenerationDefaults out;
  if (json_find(config, "do_sample")) {
    RETORT_TRY(out.do_sample, json_bool(config, "do_sample"));
  }
  RETORT_TRY(out.temperature, number_in(config, "temperature", {0, kHuge}));
  RETORT_TRY(out.top_k, int_in(config, "top_k", {0, kMaxVocab}));
  RETORT_TRY(out.top_p, number_in(config, "top_p", {0, 1}));
  RETORT_TRY(out.min_p, number_in(config, "min_p", {0, 1}));
  RETORT_TRY(out.repetition_penalty, number_in(config, "repetition_penalty", {1e-6, kHuge}));
  RETORT_TRY(out.max_new_tokens, int_in(config, "max_new_tokens", {1, kMaxTokens}));
  RETORT_TRY(out.eos_token_ids, read_token_ids(config, "eos_token_id"));
  return out;
}

}  // namespace retort
