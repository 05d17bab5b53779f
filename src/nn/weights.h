// A checkpoint's tensors as the layers use them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/error.h"
#include "core/pages.h"
#include "core/tensor.h"
#include "io/checkpoint.h"
#include "kernels/kernels.h"
#include "nn/key_bias.h"
#include "nn/linear.h"
#include "nn/load_options.h"
#include "nn/packing.h"

namespace retort {

/// SwiGLU: down(silu(gate(x)) * up(x)).
struct MlpWeights {
  Linear gate;  ///< [intermediate, hidden]
  Linear up;    ///< [intermediate, hidden]
  Linear down;  ///< [hidden, intermediate]
};

struct MoeWeights {
  Linear router;  ///< [experts, hidden]
  std::vector<MlpWeights> experts;
  std::optional<MlpWeights> shared;  ///< absent where shared_expert_intermediate_size is 0
  Linear shared_gate;                ///< [1, hidden]
};

struct LayerWeights {
  std::vector<float> attention_norm;  ///< [hidden] input_layernorm
  Linear q;                           ///< [heads * head_dim, hidden]
  Linear k;                           ///< [kv_heads * head_dim, hidden]
  Linear v;                           ///< [kv_heads * head_dim, hidden]
  Linear o;                           ///< [hidden, heads * head_dim]
  std::vector<float> q_norm;          ///< [head_dim], Qwen3; else empty
  std::vector<float> k_norm;          ///< [head_dim], Qwen3; else empty
  KeyBias key_bias;                   ///< of k.bias, for 8-bit caches
  std::vector<float> mlp_norm;        ///< [hidden] post_attention_layernorm
  std::optional<MlpWeights> mlp;      ///< a dense layer has this,
  std::optional<MoeWeights> moe;      ///< a routed one that
};

struct ModelWeights {
  TensorView embedding;  ///< [vocab, hidden]; without data where the packed one is all there is
  DequantizeFn embedding_row = nullptr;
  /// Where rows are taken from, if there is one: the head's panels where they are tied. The same bits as `embedding`.
  std::optional<PackedWeight> packed_embedding;
  std::vector<LayerWeights> layers;
  std::vector<float> final_norm;  ///< [hidden]
  Linear head;                    ///< [vocab, hidden]: lm_head, or the embedding where they are tied
  /// Copies of tensors that the file places off the alignment of their element type.
  std::vector<std::unique_ptr<std::byte[]>> realigned;
  /// The fp32 values of quantized Linears that are not packed.
  std::vector<std::unique_ptr<float[]>> dequantized;
  Pages packed;  ///< what the linears' packed copies point into

  /// out [hidden] = the embedding of a token, which must be in the vocabulary.
  void embed(std::int64_t token, float* out) const;
};

/// The matrices that carry a model's weight, in the order in which a token reads them. Routers stay exact: they are
/// small, and a rounding there sends a token to another expert.
std::vector<NamedLinear> large_linears(ModelWeights& weights, const ModelConfig& config);

/// Whether Linears of an integer scheme are expanded to fp32, or those left without values (Linear::w without data)
/// that packed_format_of() has a format for and that are among large_linears().
enum class IntegerValues { kExpanded, kLeft };
/// The checkpoint's tensors as they are: nothing is packed. Requirements and errors as of load_weights().
Expected<ModelWeights> map_weights(const Checkpoint& checkpoint, const KernelTable& kernels, IntegerValues values);

/// After Checkpoint::check_tensors(): every tensor is there in its shape (kDummy asks for none). kUnsupported names a
/// tensor in a dtype that holds no weights; kCorrupt a quantized one whose data contradicts itself (grouped_weight).
/// Views point into the checkpoint, which must outlive the result.
///
/// With kAuto a packed file that cannot be used is told of at warning level, and the weights are packed anew; kPacked
/// makes its error that of the call. kInvalidArgument for a format that the checkpoint or the quality does not have.
Expected<ModelWeights> load_weights(const Checkpoint& checkpoint, const KernelTable& kernels,
                                    const LoadOptions& options);

}  // namespace retort
