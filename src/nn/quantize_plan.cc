// What a quantized file will hold, before any of it is computed.
#include <algorithm>

#include "io/glob.h"
#include "io/hub_names.h"
#include "io/tensor_names.h"
#include "nn/quantize.h"

namespace retort {
namespace {

class Planner {
 public:
  Planner(const Checkpoint& checkpoint, QuantizeRecipe recipe, std::span<const TensorTypeRule> rules)
      : checkpoint_(checkpoint), recipe_(recipe), rules_(rules), used_(rules.size(), false) {
    context_.layers = checkpoint.config().num_hidden_layers;
    context_.tied = checkpoint.config().tie_word_embeddings;
  }

  Status add(std::string gguf_name, const Shape& shape, std::vector<QuantizePart> parts) {
    if (!stays_f32(gguf_name, shape)) {
      for (std::size_t i = 0; i < rules_.size(); ++i) {
        if (glob_match(rules_[i].pattern, gguf_name)) used_[i] = true;
      }
    }
    RETORT_TRY(const DType type, choose_tensor_type(recipe_, rules_, gguf_name, shape, context_));
    const bool again = std::ranges::any_of(parts, [&](const QuantizePart& part) {
      return part.scheme != nullptr || (is_block_quantized(part.view.dtype) && part.view.dtype != type);
    });
    if (again && is_block_quantized(type)) ++plan_.requantized;
    plan_.tensors.push_back({{std::move(gguf_name), type, shape}, std::move(parts)});
    return {};
  }

  Expected<QuantizePlan> finish() {
    for (std::size_t i = 0; i < rules_.size(); ++i) {
      if (used_[i]) continue;
      return fail(ErrorCode::kInvalidArgument,
                  "--tensor-type '{}={}' matches no matrix of {}; names are GGUF's, as 'blk.0.ffn_down.weight', and "
                  "norms, biases and routers stay F32",
                  shown_name(rules_[i].pattern), to_string(rules_[i].type), checkpoint_.name());
    }
    return std::move(plan_);
  }

 private:
  const Checkpoint& checkpoint_;
  QuantizeRecipe recipe_;
  std::span<const TensorTypeRule> rules_;
  std::vector<bool> used_;
  RecipeContext context_;
  QuantizePlan plan_;
};

// As the files have them.
Status plan_gguf(const Checkpoint& checkpoint, Planner& planner) {
  for (const GgufFile* file : checkpoint.gguf_parts()) {
    for (const GgufTensor& tensor : file->tensors()) {
      if (tensor.data == nullptr) continue;  // a harmless extra: check_tensors() has seen the others
      std::vector<QuantizePart> parts;
      const auto mapped = huggingface_name(tensor.name);
      const auto experts = static_cast<std::uint64_t>(mapped && mapped->stacked_experts ? tensor.shape[0] : 1);
      const Shape shape =
          experts > 1 || tensor.shape.rank() == 3 ? Shape{tensor.shape[1], tensor.shape[2]} : tensor.shape;
      for (std::uint64_t expert = 0; expert < experts; ++expert) {
        std::string name = mapped ? mapped->name : std::string(tensor.name);
        if (const auto mark = name.find("{}"); mark != std::string::npos) name.replace(mark, 2, fmt::to_string(expert));
        const std::uint64_t bytes = tensor.bytes / experts;
        parts.push_back({std::move(name), shape, {tensor.dtype, shape, tensor.data + expert * bytes, bytes}, nullptr});
      }
      RETORT_TRY_STATUS(planner.add(std::string(tensor.name), tensor.shape, std::move(parts)));
    }
  }
  return {};
}

// A bias that some quantizers add where the network has none must say nothing.
Status check_no_bias(const Checkpoint& checkpoint, std::string_view module) {
  const TensorView* bias = checkpoint.find(fmt::format("{}.bias", module));
  if (!bias || module.ends_with("q_proj") || module.ends_with("k_proj") || module.ends_with("v_proj")) return {};
  if (std::all_of(bias->data, bias->data + bias->bytes, [](std::byte b) { return b == std::byte{0}; })) return {};
  return fail(ErrorCode::kUnsupported, "{}: tensor '{}.bias' must be all zeros, as the network has no bias there",
              checkpoint.name(), module);
}

// In the order of the network; the experts of a layer become three stacked tensors.
Status plan_folder(const Checkpoint& checkpoint, Planner& planner) {
  const std::int64_t experts = checkpoint.config().moe ? checkpoint.config().moe->num_experts : 0;
  std::map<std::string, std::vector<QuantizePart>> stacks;
  return for_each_tensor(checkpoint.config(),
                         [&](const std::string& name, const Shape& shape, TensorRole role) -> Status {
                           QuantizePart part{name, shape, {}, nullptr};
                           if (const auto module = linear_of(name, role)) {
                             part.scheme = checkpoint.scheme_of(*module);
                             if (part.scheme) RETORT_TRY_STATUS(check_no_bias(checkpoint, *module));
                           }
                           if (!part.scheme) {
                             const TensorView* view = checkpoint.find(name);
                             if (!view)
                               return fail(ErrorCode::kNotFound, "{}: tensor '{}' is missing", checkpoint.name(), name);
                             part.view = *view;
                           }
                           const auto mapped = gguf_name(name);
                           if (!mapped) return fail(ErrorCode::kUnsupported, "tensor '{}' has no name in GGUF", name);
                           if (!mapped->stacked_experts) {
                             // GGUF drops the leading 1 of the shared expert's gate.
                             const bool gate = name.ends_with("shared_expert_gate.weight");
                             return planner.add(mapped->name, gate ? Shape{shape.columns()} : shape, {std::move(part)});
                           }
                           std::vector<QuantizePart>& stack = stacks[mapped->name];
                           stack.push_back(std::move(part));
                           if (static_cast<std::int64_t>(stack.size()) < experts) return {};
                           return planner.add(mapped->name, {experts, shape[0], shape[1]}, std::move(stack));
                         });
}

}  // namespace

Expected<QuantizePlan> plan_quantization(const Checkpoint& checkpoint, QuantizeRecipe recipe,
                                         std::span<const TensorTypeRule> rules) {
  RETORT_TRY_STATUS(checkpoint.check_tensors());
  Planner planner(checkpoint, recipe, rules);
  if (checkpoint.gguf()) {
    RETORT_TRY_STATUS(plan_gguf(checkpoint, planner));
  } else {
    RETORT_TRY_STATUS(plan_folder(checkpoint, planner));
  }
  return planner.finish();
}

}  // namespace retort
