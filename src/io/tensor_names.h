// The tensors of a network: their Hugging Face names and shapes, and what GGUF calls them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"
#include "core/tensor.h"
#include "io/model_config.h"

namespace retort {

/// The Hugging Face name of a GGUF tensor ("blk.3.attn_q.weight" -> "model.layers.3.self_attn.q_proj.weight"), or
/// nullopt for a name that the architectures here do not have. For stacked experts ("blk.3.ffn_up_exps.weight") it
/// has "{}" in place of the expert's number.
struct MappedName {
  std::string name;
  bool stacked_experts = false;
};
std::optional<MappedName> huggingface_name(std::string_view gguf_name);

/// The inverse: "blk.3.attn_q.weight" for "model.layers.3.self_attn.q_proj.weight". All experts of a layer have the
/// name of the tensor that stacks them.
std::optional<MappedName> gguf_name(std::string_view huggingface_name);

/// True for tensors that some writers add and no network here reads: the tables that RoPE is computed from, and the
/// scales of a KV cache in 8 bits.
bool is_harmless_extra(std::string_view name);

/// What a tensor is for decides which dtypes it may have.
enum class TensorRole {
  kMatrix,  ///< any weight type
  kVector,  ///< norms and biases: F32, F16 or BF16
};

/// The module of a Linear's weight ("lm_head" for "lm_head.weight"), or nullopt for any other tensor: the embedding is
/// a matrix too, but no Linear.
std::optional<std::string_view> linear_of(std::string_view tensor, TensorRole role);

/// Calls `visit` for each tensor that the configuration implies, until one call fails, and returns that failure. The
/// list is never built: its length comes from the configuration, which may be hostile.
using TensorVisitor = std::function<Status(const std::string& name, const Shape& shape, TensorRole role)>;
Status for_each_tensor(const ModelConfig& config, const TensorVisitor& visit);

}  // namespace retort
