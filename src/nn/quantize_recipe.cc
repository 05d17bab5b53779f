#include "nn/quantize_recipe.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include "io/glob.h"
#include "io/hub_names.h"
#include "kernels/encode.h"

namespace retort {
namespace {

struct RecipeInfo {
  std::string_view name;
  std::uint32_t file_type;
  QuantizeRecipe recipe;
  DType usual;
};
// The numbers are those that the format's other readers show names for.
constexpr RecipeInfo kRecipes[] = {
    {"f32", 0, QuantizeRecipe::kF32, DType::kF32},       {"f16", 1, QuantizeRecipe::kF16, DType::kF16},
    {"bf16", 32, QuantizeRecipe::kBf16, DType::kBF16},   {"q8", 7, QuantizeRecipe::kQ8, DType::kQ8_0},
    {"q4", 14, QuantizeRecipe::kQ4, DType::kQ4_K},       {"q4_k_m", 15, QuantizeRecipe::kQ4KM, DType::kQ4_K},
    {"q5_k_m", 17, QuantizeRecipe::kQ5KM, DType::kQ5_K}, {"q6_k", 18, QuantizeRecipe::kQ6K, DType::kQ6_K},
};

const RecipeInfo& info(QuantizeRecipe recipe) { return *std::ranges::find(kRecipes, recipe, &RecipeInfo::recipe); }

std::optional<std::int64_t> layer_of(std::string_view name) {
  if (!name.starts_with("blk.")) return std::nullopt;
  std::int64_t layer = 0;
  const auto [end, error] = std::from_chars(name.data() + 4, name.data() + name.size(), layer);
  if (error != std::errc()) return std::nullopt;
  return layer;
}

// The first eighth of the layers, the last one, and every third in between: about half.
bool has_more_bits(std::int64_t layer, std::int64_t layers) {
  const std::int64_t eighth = layers / 8;
  return layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2;
}

DType recipe_type(QuantizeRecipe recipe, std::string_view name, const RecipeContext& context) {
  if (recipe != QuantizeRecipe::kQ4KM && recipe != QuantizeRecipe::kQ5KM) return info(recipe).usual;
  if (name == "output.weight" || (name == "token_embd.weight" && context.tied)) return DType::kQ6_K;
  const auto layer = layer_of(name);
  const bool sensitive = name.ends_with(".attn_v.weight") || name.find(".ffn_down") != std::string_view::npos;
  if (layer && sensitive && has_more_bits(*layer, context.layers)) return DType::kQ6_K;
  return info(recipe).usual;
}

DType less_demanding(DType type) {
  if (type == DType::kQ4_K) return DType::kQ5_0;
  if (type == DType::kQ5_K || type == DType::kQ6_K) return DType::kQ8_0;
  return DType::kF16;
}

}  // namespace

Expected<QuantizeRecipe> parse_quantize_recipe(std::string_view name) {
  std::string known;
  for (const RecipeInfo& recipe : kRecipes) {
    if (recipe.name == name) return recipe.recipe;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", recipe.name);
  }
  return fail(ErrorCode::kInvalidArgument, "--type must be one of {} but is '{}'", known, shown_name(name));
}

std::string_view to_string(QuantizeRecipe recipe) { return info(recipe).name; }

std::uint32_t gguf_file_type(QuantizeRecipe recipe) { return info(recipe).file_type; }

Expected<TensorTypeRule> parse_tensor_type_rule(std::string_view rule) {
  const auto sign = rule.rfind('=');
  if (sign == std::string_view::npos || sign == 0) {
    return fail(ErrorCode::kInvalidArgument,
                "--tensor-type must be PATTERN=TYPE, as 'blk.*.ffn_down.weight=q6_k', but is '{}'", shown_name(rule));
  }
  std::string name(rule.substr(sign + 1));
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  const auto type = dtype_from_name(name);
  if (!type || !encoder_of(*type)) {
    return fail(ErrorCode::kInvalidArgument,
                "--tensor-type '{}': the type must be f32, f16, bf16, q8_0, q4_0, q5_0, q4_k, q5_k or q6_k",
                shown_name(rule));
  }
  return TensorTypeRule{std::string(rule.substr(0, sign)), *type};
}

bool stays_f32(std::string_view gguf_name, const Shape& shape) {
  return shape.rank() < 2 || gguf_name.ends_with("_norm.weight") || gguf_name.ends_with(".bias") ||
         gguf_name.find(".ffn_gate_inp") != std::string_view::npos;
}

Expected<DType> choose_tensor_type(QuantizeRecipe recipe, std::span<const TensorTypeRule> rules,
                                   std::string_view gguf_name, const Shape& shape, const RecipeContext& context) {
  if (stays_f32(gguf_name, shape)) return DType::kF32;
  const auto columns = static_cast<std::uint64_t>(shape.columns());
  for (std::size_t i = rules.size(); i-- > 0;) {
    if (!glob_match(rules[i].pattern, gguf_name)) continue;
    if (row_bytes(rules[i].type, columns)) return rules[i].type;
    return fail(
        ErrorCode::kInvalidArgument,
        "--tensor-type '{}={}': tensor '{}' has {} columns, which do not fill blocks of {}; choose another type "
        "for it with a further --tensor-type",
        rules[i].pattern, to_string(rules[i].type), shown_name(gguf_name), columns,
        dtype_info(rules[i].type).block_elements);
  }
  DType type = recipe_type(recipe, gguf_name, context);
  while (!row_bytes(type, columns)) type = less_demanding(type);
  return type;
}

}  // namespace retort
