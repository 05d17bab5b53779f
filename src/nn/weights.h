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
#include "nn/linear.h"
#include "nn/quality.h"

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
  std::vector<float> mlp_norm;        ///< [hidden] post_attention_layernorm
  std::optional<MlpWeights> mlp;      ///< a dense layer has this,
  std::optional<MoeWeights> moe;      ///< a routed one that
};

struct ModelWeights {
  TensorView embedding;  ///< [vocab, hidden]
  DequantizeFn embedding_row = nullptr;
  std::vector<LayerWeights> layers;
  std::vector<float> final_norm;  ///< [hidden]
  Linear head;                    ///< [vocab, hidden]: lm_head, or the embedding where they are tied
  /// Copies of tensors that the file places off the alignment of their element type.
  std::vector<std::unique_ptr<std::byte[]>> realigned;
  /// The fp32 values of quantized Linears.
  std::vector<std::unique_ptr<float[]>> dequantized;
  Pages packed;  ///< what the linears' packed copies point into
};

/// After Checkpoint::check_tensors(): every tensor is there in its shape. kUnsupported names a tensor in a dtype that
/// holds no weights; kCorrupt a quantized one whose data contradicts itself (grouped_weight). Views point into the
/// checkpoint, which must outlive the result.
Expected<ModelWeights> load_weights(const Checkpoint& checkpoint, const KernelTable& kernels, Quality quality);

}  // namespace retort
