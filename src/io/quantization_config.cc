#include "io/quantization_config.h"

#include <algorithm>
#include <array>

#include "core/json.h"
#include "io/hub_names.h"
#include "io/model_config_check.h"

namespace retort {
namespace {

// Names in a list: a model of 100 layers of 512 experts lists 150,000. Those go into a set; patterns and parts are
// tried one by one, for each module.
constexpr std::size_t kMaxNames = std::size_t{1} << 20;
constexpr std::size_t kMaxTried = 256;
constexpr std::size_t kMaxGroups = 64;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// `key` or, where it is absent, what an older writer called it.
std::string_view key_of(const Json& config, std::string_view key, std::string_view older) {
  return json_find(config, key) || !json_find(config, older) ? key : older;
}

tl::unexpected<Error> refuse_value(std::string_view key, std::string_view expected, std::string_view found) {
  return fail(
      ErrorCode::kUnsupported,
      "field '{}' must be {} but is '{}'; use a checkpoint quantized in that way, the unquantized one or a GGUF", key,
      expected, shown_name(found));
}

// A field that must be absent, null, false or empty: where it says something, it changes what the weights mean.
Status refuse_set(const Json& config, std::string_view key, std::string_view meaning) {
  const Json* value = json_find(config, key);
  if (!value || (value->is_boolean() && !value->get<bool>()) || (value->is_structured() && value->empty())) return {};
  return fail(ErrorCode::kUnsupported, "field '{}' must be absent or empty but is {}: {} is not supported", key,
              shown_name(json_text(*value)), meaning);
}

// -1 and, as compressed-tensors has it, null: one group per row.
struct GroupSize {
  ScaleBlock scale = ScaleBlock::kRow;
  std::int64_t columns = 0;
};
Expected<GroupSize> read_group_size(const Json& config, std::string_view key, std::int64_t fallback) {
  RETORT_TRY(const std::int64_t size, json_int(config, key, {-1, kMaxIntermediate}, fallback));
  if (size == 0) return fail(ErrorCode::kCorrupt, "field '{}' must be -1 or at least 1 but is 0", key);
  return size < 0 ? GroupSize{} : GroupSize{ScaleBlock::kGroup, size};
}

Expected<int> read_bits(const Json& config, std::string_view key, std::initializer_list<int> supported, int fallback) {
  RETORT_TRY(const std::int64_t bits, json_int(config, key, {1, 64}, fallback));
  for (const int some : supported) {
    if (bits == some) return some;
  }
  return fail(ErrorCode::kUnsupported, "field '{}' must be {} but is {}; other widths are not supported", key,
              fmt::join(supported, " or "), bits);
}

// The strings of a list that may be absent.
Expected<std::vector<std::string>> read_names(const Json& config, std::string_view key) {
  std::vector<std::string> names;
  const Json* list = json_find(config, key);
  if (!list) return names;
  if (!list->is_array() || list->size() > kMaxNames) {
    return fail(ErrorCode::kCorrupt, "field '{}' must be a list of at most {} names", key, kMaxNames);
  }
  for (const Json& name : *list) {
    if (!name.is_string()) return fail(ErrorCode::kCorrupt, "field '{}' must be a list of names", key);
    names.push_back(name.get<std::string>());
  }
  return names;
}

Status check_tried(std::size_t count, std::string_view key) {
  if (count <= kMaxTried) return {};
  return fail(ErrorCode::kUnsupported, "field '{}' has {} patterns but may have {}", key, count, kMaxTried);
}

}  // namespace

// One function for each quant_method.
class QuantizationReader {
 public:
  using Group = QuantizationConfig::Group;
  using Names = QuantizationConfig::Names;

  static Expected<QuantizationConfig> read(const Json& config) {
    if (!config.is_object()) return fail(ErrorCode::kCorrupt, "must be an object");
    QuantizationConfig out;
    RETORT_TRY(out.method_, json_string(config, "quant_method", ""));
    if (out.method_ == "awq") RETORT_TRY_STATUS(awq(config, out));
    if (out.method_ == "gptq") RETORT_TRY_STATUS(gptq(config, out));
    if (out.method_ == "compressed-tensors") RETORT_TRY_STATUS(compressed_tensors(config, out));
    if (out.method_ == "fp8") RETORT_TRY_STATUS(fp8(config, out));
    if (!out.groups_.empty()) return out;
    return fail(ErrorCode::kUnsupported,
                "weights quantized by '{}' are not supported, only by awq, gptq, compressed-tensors and fp8; use the "
                "unquantized checkpoint or a GGUF of it",
                out.method_.empty() ? "unnamed" : shown_name(out.method_));
  }

 private:
  // Literal names and "re:" patterns.
  static Status add(Names& names, const std::vector<std::string>& list, std::string_view key) {
    for (const std::string& name : list) {
      if (!name.starts_with("re:")) {
        names.exact.insert(name);
        continue;
      }
      RETORT_TRY_STATUS(check_tried(names.patterns.size() + 1, key));
      auto pattern = NamePattern::compile(std::string_view(name).substr(3));
      if (!pattern) return fail(std::move(pattern).error().within(fmt::format("field '{}'", key)));
      names.patterns.push_back(std::move(*pattern));
    }
    return {};
  }

  // AWQ and GPTQ quantize the output head only where they say so.
  static Status read_head(const Json& config, QuantizationConfig& out) {
    RETORT_TRY(const bool head, json_bool(config, "lm_head", false));
    if (!head) out.ignored_.exact.insert("lm_head");
    return {};
  }

  static Status awq(const Json& config, QuantizationConfig& out) {
    RETORT_TRY(const std::string version, json_string(config, "version", "gemm"));
    if (lower(version) != "gemm") return refuse_value("version", "gemm", version);
    Group group{.scheme = {.layout = WeightLayout::kAwq, .zero = ZeroPoint::kStored}, .every_linear = true};
    RETORT_TRY(group.scheme.bits, read_bits(config, key_of(config, "bits", "w_bit"), {4}, 4));
    RETORT_TRY(const GroupSize size, read_group_size(config, key_of(config, "group_size", "q_group_size"), 128));
    group.scheme.scale = size.scale;
    group.scheme.group_size = size.columns;
    RETORT_TRY(const bool zero_point, json_bool(config, "zero_point", true));
    if (!zero_point) return refuse_value("zero_point", "true", "false");
    RETORT_TRY_STATUS(read_head(config, out));
    // Any name that contains one of these, as the quantizer itself and vLLM have it ("self_attn", "layers.0.").
    RETORT_TRY(out.ignored_.parts, read_names(config, "modules_to_not_convert"));
    RETORT_TRY_STATUS(check_tried(out.ignored_.parts.size(), "modules_to_not_convert"));
    out.groups_.push_back(std::move(group));
    return {};
  }

  static Status gptq(const Json& config, QuantizationConfig& out) {
    RETORT_TRY(const std::string newer, json_string(config, "format", "gptq"));
    RETORT_TRY(const std::string format, json_string(config, "checkpoint_format", newer));
    if (format != "gptq" && format != "gptq_v2") return refuse_value("checkpoint_format", "gptq or gptq_v2", format);
    RETORT_TRY_STATUS(refuse_set(config, "is_marlin_format", "Marlin's packing"));
    RETORT_TRY(const std::string word, json_string(config, "pack_dtype", "int32"));
    if (word != "int32") return refuse_value("pack_dtype", "int32", word);
    Group group{.scheme = {.layout = WeightLayout::kGptq}, .every_linear = true};
    RETORT_TRY(group.scheme.bits, read_bits(config, "bits", {4, 8}, 4));
    RETORT_TRY(const GroupSize size, read_group_size(config, "group_size", 128));
    group.scheme.scale = size.scale;
    group.scheme.group_size = size.columns;
    RETORT_TRY(const bool by_activation, json_bool(config, "desc_act", false));
    group.scheme.activation_order = by_activation && size.scale == ScaleBlock::kGroup;
    RETORT_TRY(const bool symmetric, json_bool(config, "sym", true));
    if (!symmetric) group.scheme.zero = format == "gptq" ? ZeroPoint::kStoredMinusOne : ZeroPoint::kStored;
    RETORT_TRY_STATUS(read_head(config, out));
    RETORT_TRY_STATUS(gptq_rules(config, out));
    out.groups_.push_back(std::move(group));
    return {};
  }

  // "dynamic": {"-:PATTERN": {}} leaves modules as they are; {"+:PATTERN": {"bits": 8}} quantizes them otherwise.
  static Status gptq_rules(const Json& config, QuantizationConfig& out) {
    const Json* rules = json_find(config, "dynamic");
    if (!rules || (rules->is_boolean() && !rules->get<bool>())) return {};
    if (!rules->is_object()) return fail(ErrorCode::kCorrupt, "field 'dynamic' must be an object of rules");
    std::vector<std::string> patterns;
    for (const auto& [rule, changes] : rules->items()) {
      if (!rule.starts_with("-:")) {
        return fail(ErrorCode::kUnsupported,
                    "field 'dynamic' has the rule '{}', which quantizes some modules otherwise; only rules that leave "
                    "modules unquantized ('-:...') are supported",
                    shown_name(rule));
      }
      patterns.push_back("re:" + rule.substr(2));
    }
    return add(out.ignored_, patterns, "dynamic");
  }

  static Status fp8(const Json& config, QuantizationConfig& out) {
    RETORT_TRY(const std::string format, json_string(config, "fmt", "e4m3"));
    if (lower(format) != "e4m3") return refuse_value("fmt", "e4m3", format);
    Group group{.scheme = {.layout = WeightLayout::kFp8, .bits = 8, .scale = ScaleBlock::kTensor},
                .every_linear = true};
    if (const Json* block = json_find(config, "weight_block_size")) {
      RETORT_TRY_STATUS(read_block(*block, "weight_block_size", group.scheme));
      group.scheme.inverse_name = true;
    }
    // vLLM reads the one list, transformers the other. An entry also stands for what is below it.
    out.ignored_.by_component = true;
    for (const std::string_view key : {"ignored_layers", "modules_to_not_convert"}) {
      RETORT_TRY(const std::vector<std::string> names, read_names(config, key));
      out.ignored_.exact.insert(names.begin(), names.end());
    }
    out.ignored_.exact.insert("lm_head");  // no reader quantizes the head by this method
    out.groups_.push_back(std::move(group));
    return {};
  }

  static Status read_block(const Json& block, std::string_view key, WeightScheme& scheme) {
    const auto side = [&](std::size_t i) -> std::int64_t {
      const Json& value = block[i];
      if (!value.is_number_unsigned()) return 0;
      return static_cast<std::int64_t>(
          std::min(value.get<std::uint64_t>(), static_cast<std::uint64_t>(kMaxIntermediate)));
    };
    if (!block.is_array() || block.size() != 2 || side(0) < 1 || side(1) < 1) {
      return fail(ErrorCode::kCorrupt, "field '{}' must be two positive integers, such as [128, 128], but is {}", key,
                  shown_name(json_text(block)));
    }
    scheme.scale = ScaleBlock::kBlock;
    scheme.block_rows = side(0);
    scheme.block_columns = side(1);
    return {};
  }

  static Status compressed_tensors(const Json& config, QuantizationConfig& out) {
    RETORT_TRY(const std::string status, json_string(config, "quantization_status", "compressed"));
    if (status != "compressed") return refuse_value("quantization_status", "compressed", status);
    if (const Json* sparsity = json_find(config, "sparsity_config")) {
      RETORT_TRY(const std::string format, json_string(*sparsity, "format", "dense"));
      if (format != "dense") return refuse_value("sparsity_config.format", "dense", format);
    }
    RETORT_TRY_STATUS(refuse_set(config, "transform_config", "a transform of weights and activations"));
    RETORT_TRY(const std::string format, json_string(config, "format", ""));
    RETORT_TRY(const std::vector<std::string> ignored, read_names(config, "ignore"));
    RETORT_TRY_STATUS(add(out.ignored_, ignored, "ignore"));
    const Json* groups = json_find(config, "config_groups");
    if (!groups || !groups->is_object() || groups->empty() || groups->size() > kMaxGroups) {
      return fail(ErrorCode::kCorrupt, "field 'config_groups' must be an object of 1 to {} groups", kMaxGroups);
    }
    for (const auto& [name, group] : groups->items()) {
      auto read = compressed_group(group, format);
      if (!read) {
        return fail(std::move(read).error().within(fmt::format("field 'config_groups.{}'", shown_name(name))));
      }
      out.groups_.push_back(std::move(*read));
    }
    return {};
  }

  static Expected<Group> compressed_group(const Json& json, const std::string& common_format) {
    Group group;
    const Json* weights = json_find(json, "weights");
    if (!weights || !weights->is_object()) return fail(ErrorCode::kCorrupt, "field 'weights' must be an object");
    RETORT_TRY_STATUS(refuse_set(json, "output_activations", "quantizing outputs"));
    RETORT_TRY(const std::string format, json_string(json, "format", common_format));
    RETORT_TRY_STATUS(compressed_scheme(*weights, format, group.scheme));
    RETORT_TRY(const std::vector<std::string> targets, read_names(json, "targets"));
    if (targets.empty())
      return fail(ErrorCode::kCorrupt, "field 'targets' must be a list of names, but there are none");
    std::vector<std::string> names;
    for (const std::string& target : targets) {
      const bool is_class =
          target.find('.') == std::string::npos && !target.empty() && target[0] >= 'A' && target[0] <= 'Z';
      if (is_class && target != "Linear")
        return refuse_value("targets", "the class Linear or names of modules", target);
      if (is_class) {
        group.every_linear = true;
      } else {
        names.push_back(target);
      }
    }
    RETORT_TRY_STATUS(add(group.names, names, "targets"));
    return group;
  }

  static Status compressed_scheme(const Json& weights, const std::string& format, WeightScheme& scheme) {
    RETORT_TRY(const std::string type, json_string(weights, "type", "int"));
    RETORT_TRY(const bool symmetric, json_bool(weights, "symmetric", true));
    RETORT_TRY_STATUS(refuse_set(weights, "dynamic", "quantizing weights on the fly"));
    RETORT_TRY_STATUS(compressed_layout(type, format, scheme));
    if (scheme.layout == WeightLayout::kPackedInts) {
      RETORT_TRY(scheme.bits, read_bits(weights, "num_bits", {4, 8}, 8));
    } else {
      RETORT_TRY(scheme.bits, read_bits(weights, "num_bits", {8}, 8));
    }
    RETORT_TRY_STATUS(compressed_strategy(weights, scheme));
    if (!symmetric) {
      if (scheme.layout == WeightLayout::kFp8) return refuse_value("symmetric", "true for float weights", "false");
      scheme.zero = ZeroPoint::kStored;
    }
    return compressed_order(weights, scheme);
  }

  static Status compressed_layout(const std::string& type, const std::string& format, WeightScheme& scheme) {
    const bool naive = format == "naive-quantized";
    if (type == "int" && format == "pack-quantized") {
      scheme.layout = WeightLayout::kPackedInts;
    } else if (type == "int" && (format == "int-quantized" || naive)) {
      scheme.layout = WeightLayout::kPlainInts;
    } else if (type == "float" && (format == "float-quantized" || naive)) {
      scheme.layout = WeightLayout::kFp8;
    } else {
      return refuse_value("format", "pack-quantized or int-quantized with type int, float-quantized with type float",
                          fmt::format("{}, type {}", format, type));
    }
    return {};
  }

  static Status compressed_strategy(const Json& weights, WeightScheme& scheme) {
    RETORT_TRY(const GroupSize size, read_group_size(weights, "group_size", -1));
    const char* implied = size.scale == ScaleBlock::kGroup        ? "group"
                          : json_find(weights, "block_structure") ? "block"
                          : json_find(weights, "group_size")      ? "channel"
                                                                  : "tensor";
    RETORT_TRY(const std::string strategy, json_string(weights, "strategy", implied));
    const bool is_float = scheme.layout == WeightLayout::kFp8;
    if (strategy == "tensor") {
      scheme.scale = ScaleBlock::kTensor;
    } else if (strategy == "channel") {
      scheme.scale = ScaleBlock::kRow;
    } else if (strategy == "group" && !is_float) {
      scheme.scale = size.scale;  // -1: one group is the row
      scheme.group_size = size.columns;
    } else if (strategy == "block" && is_float) {
      const Json* block = json_find(weights, "block_structure");
      if (!block) return fail(ErrorCode::kCorrupt, "field 'block_structure' is missing, which strategy block needs");
      return read_block(*block, "block_structure", scheme);
    } else {
      return refuse_value("strategy", is_float ? "tensor, channel or block" : "tensor, channel or group", strategy);
    }
    return {};
  }

  // "group": the columns were sorted by their activations before they were grouped. "weight", "static": they stand in
  // their order. Older files have true for "group".
  static Status compressed_order(const Json& weights, WeightScheme& scheme) {
    const Json* order = json_find(weights, "actorder");
    if (!order || (order->is_boolean() && !order->get<bool>())) return {};
    const std::string name = order->is_boolean() ? "group" : order->is_string() ? lower(order->get<std::string>()) : "";
    if (name == "weight" || name == "static") return {};
    if (name != "group" || scheme.layout != WeightLayout::kPackedInts) {
      return refuse_value("actorder", "group (packed weights only), weight or static", json_text(*order));
    }
    scheme.activation_order = scheme.scale == ScaleBlock::kGroup;
    return {};
  }
};

std::string to_string(const WeightScheme& scheme) {
  const std::string type = scheme.layout == WeightLayout::kFp8 ? "fp8" : fmt::format("int{}", scheme.bits);
  switch (scheme.scale) {
    case ScaleBlock::kTensor:
      return type + " tensor";
    case ScaleBlock::kRow:
      return type + " row";
    case ScaleBlock::kGroup:
      return fmt::format("{} g{}", type, scheme.group_size);
    case ScaleBlock::kBlock:
      return fmt::format("{} {}x{}", type, scheme.block_rows, scheme.block_columns);
  }
  return type;
}

bool QuantizationConfig::Names::by_pattern(std::string_view module) const {
  return std::ranges::any_of(patterns, [&](const NamePattern& pattern) { return pattern.matches(module); });
}

bool QuantizationConfig::Names::contains(std::string_view module) const {
  if (exactly(module) || by_pattern(module)) return true;
  if (std::ranges::any_of(parts,
                          [&](const std::string& part) { return module.find(part) != std::string_view::npos; })) {
    return true;
  }
  if (!by_component) return false;
  // Every run of whole components, so that "layers.1" is not in "layers.10".
  std::vector<std::size_t> starts = {0};
  for (std::size_t i = 0; i < module.size(); ++i) {
    if (module[i] == '.') starts.push_back(i + 1);
  }
  starts.push_back(module.size() + 1);
  for (std::size_t first = 0; first + 1 < starts.size(); ++first) {
    for (std::size_t last = first + 1; last < starts.size(); ++last) {
      if (exact.contains(module.substr(starts[first], starts[last] - 1 - starts[first]))) return true;
    }
  }
  return false;
}

const WeightScheme* QuantizationConfig::scheme_for(std::string_view module) const {
  if (module == "model.embed_tokens" || ignored_.contains(module)) return nullptr;
  for (const Group& group : groups_) {
    if (group.names.exactly(module)) return &group.scheme;
  }
  for (const Group& group : groups_) {
    if (group.names.by_pattern(module)) return &group.scheme;
  }
  for (const Group& group : groups_) {
    if (group.every_linear) return &group.scheme;
  }
  return nullptr;
}

std::vector<WeightScheme> QuantizationConfig::schemes() const {
  std::vector<WeightScheme> all;
  for (const Group& group : groups_) {
    if (std::ranges::find(all, group.scheme) == all.end()) all.push_back(group.scheme);
  }
  return all;
}

Expected<QuantizationConfig> quantization_config_from_json(const Json& config) {
  return QuantizationReader::read(config);
}

}  // namespace retort
