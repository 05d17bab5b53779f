// The network: token ids in, logits out. Reads like the paper; see docs/add-a-model.md.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "core/error.h"
#include "io/checkpoint.h"
#include "kernels/kernels.h"
#include "nn/kv_cache.h"
#include "nn/load_options.h"

namespace retort {

/// Tokens of one sequence to run in one step; they take the positions from kv->length() on.
struct SequenceChunk {
  std::span<const std::int32_t> tokens;
  SequenceKv* kv = nullptr;
  /// What "dynamic" RoPE scaling takes for the sequence's length; 0: the length at the end of this chunk. A prompt run
  /// in several chunks gives its whole length each time.
  std::int64_t rope_length = 0;
  /// Tokens at positions below it are of the prompt and computed by its recipe, the others by the output's
  /// (docs/engine.md): the same each time a token is computed, or its bits differ.
  std::int64_t prompt_length = std::numeric_limits<std::int64_t>::max();
};

/// The matrices of a layer by what they are multiplied with.
enum class LinearInput : std::uint8_t {
  kAttention,        ///< q, k and v: hidden columns
  kAttentionOutput,  ///< o: heads * head_dim
  kMlp,              ///< gate and up, router and experts': hidden
  kMlpDown,          ///< down of a dense layer: intermediate
};

/// What a caller may look at on the way. Spans are valid during the call only.
struct ForwardTrace {
  /// Output of layer `layer`, [tokens, hidden].
  std::function<void(std::int64_t layer, std::span<const float> hidden)> on_layer;
  /// Router logits of a mixture-of-experts layer, [tokens, experts].
  std::function<void(std::int64_t layer, std::span<const float> logits)> on_router;
  /// What the matrices are about to be multiplied with, or were, [tokens, columns].
  std::function<void(std::int64_t layer, LinearInput input, std::span<const float> x)> on_input;
};

/// Immutable after load and thread-safe; holds the checkpoint's mappings alive.
class Model {
 public:
  /// Checks every tensor first (Checkpoint::check_tensors). kExact is cheap: norms and biases are converted, the rest
  /// is mapped. kFast reads all matrices that have a packed format from the packed file, or packs them (load_weights).
  static Expected<std::unique_ptr<Model>> load(std::shared_ptr<const Checkpoint> checkpoint, const KernelTable& kernels,
                                               const LoadOptions& options);
  static Expected<std::unique_ptr<Model>> load(std::shared_ptr<const Checkpoint> checkpoint, const KernelTable& kernels,
                                               Quality quality) {
    return load(std::move(checkpoint), kernels, LoadOptions{.quality = quality});
  }
  ~Model();

  [[nodiscard]] const ModelConfig& config() const;
  [[nodiscard]] const KernelTable& kernels() const;
  [[nodiscard]] Quality quality() const;
  /// What keys and values are kept as where nothing else is asked for: f32 in kExact, bf16 in kFast.
  [[nodiscard]] KvCacheType kv_cache_type() const;

  /// Whether prompts are computed by a recipe of their own: in kFast, on AMX.
  [[nodiscard]] bool has_prompt_recipe() const;

  /// Bytes of weights that a step reads: each matrix once, and of experts as many as one token takes.
  [[nodiscard]] std::uint64_t bytes_per_step() const;

  /// Bytes that the weights take in memory, mapped ones included.
  [[nodiscard]] std::uint64_t memory_bytes() const;
  /// Bytes that a step of `tokens` takes besides, with `rows` rows of logits (64 at a time).
  [[nodiscard]] std::uint64_t activation_bytes(std::int64_t tokens, std::int64_t rows) const;

  /// Runs all chunks together and advances their caches. `hidden`: [sum of tokens, hidden_size], after the final norm,
  /// chunk by chunk. A token's row has the same bits whatever else is in `batch` and however its sequence is chunked.
  /// kOutOfRange if a token id is not below vocab_size or a position not below max_position_embeddings; kExhausted if
  /// a cache has no room. Nothing is advanced then.
  Status forward(std::span<const SequenceChunk> batch, std::span<float> hidden,
                 const ForwardTrace* trace = nullptr) const;

  /// logits[i] = lm_head(hidden[i]) for `n` rows: hidden [n, hidden_size] -> logits [n, vocab_size]. By the output's
  /// recipe, whichever `hidden` has: what is sampled is a row or a few.
  void logits(std::span<const float> hidden, std::span<float> logits) const;

 private:
  struct Impl;
  explicit Model(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace retort
