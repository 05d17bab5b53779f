// Which type each tensor of a quantized model gets.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/dtype.h"
#include "core/error.h"
#include "core/tensor.h"

namespace retort {

enum class QuantizeRecipe : std::uint8_t {
  kF32,
  kF16,
  kBf16,
  kQ8,    ///< Q8_0 everywhere
  kQ4,    ///< Q4_K everywhere
  kQ4KM,  ///< Q4_K; Q6_K where errors cost most: the head, and half of the layers' attn_v and ffn_down
  kQ5KM,  ///< the same with Q5_K
  kQ6K,   ///< Q6_K everywhere
};
/// "q4_k_m", ...; kInvalidArgument lists what there is.
Expected<QuantizeRecipe> parse_quantize_recipe(std::string_view name);
std::string_view to_string(QuantizeRecipe recipe);
/// The value of general.file_type that says the same.
std::uint32_t gguf_file_type(QuantizeRecipe recipe);

/// "PATTERN=TYPE", as "blk.*.ffn_down.weight=q6_k": the pattern is a glob over GGUF's tensor names.
struct TensorTypeRule {
  std::string pattern;
  DType type = DType::kF32;
};
/// kInvalidArgument for another form, or a type that retort does not write.
Expected<TensorTypeRule> parse_tensor_type_rule(std::string_view rule);

/// What of the model the choice depends on.
struct RecipeContext {
  std::int64_t layers = 0;
  bool tied = false;  ///< the embedding is the head too
};
/// Norms, biases and routers are F32 under any recipe and rule. Of several rules that match the last one counts; a
/// recipe's type whose blocks the columns do not fill gives way: Q4_K to Q5_0, Q5_K and Q6_K to Q8_0, and these to F16.
/// kInvalidArgument where a rule's type does not fit.
Expected<DType> choose_tensor_type(QuantizeRecipe recipe, std::span<const TensorTypeRule> rules,
                                   std::string_view gguf_name, const Shape& shape, const RecipeContext& context);
/// True for what no rule changes.
bool stays_f32(std::string_view gguf_name, const Shape& shape);

}  // namespace retort
