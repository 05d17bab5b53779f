// y = x W^T + bias, whichever form the weight is in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/tensor.h"
#include "kernels/kernels.h"
#include "nn/grouped_weight.h"

namespace retort {

/// A weight as integer kernels read it (kernels/packed.h): panels of 16 rows, the last one filled up with zeros.
struct PackedWeight {
  PackedFormat format;
  const std::byte* panels = nullptr;  ///< [ceil(rows / 16)], panel_bytes(format, columns) each
};

/// W [rows, columns] stays where and as the file has it. For the quantized schemes of safetensors (AWQ, GPTQ,
/// compressed-tensors, FP8 with scales) `w` is an F32 copy of the dequantized values, owned by ModelWeights: 4 bytes
/// per weight, eight times what 4-bit codes take in the file. Where the integers are packed there is no such copy and
/// `w` has a shape but no data. A packed copy, if there is one, is what is multiplied.
struct Linear {
  TensorView w;
  MatmulFn matmul = nullptr;             ///< fp32 activations, W as it is
  std::optional<PackedWeight> packed;    ///< activations of 8 or 12 bits
  std::vector<float> bias;               ///< [rows], or empty
  std::optional<GroupedWeight> grouped;  ///< of an integer scheme: what `w` or `packed` is made from
  [[nodiscard]] std::int64_t rows() const { return w.rows(); }
  [[nodiscard]] std::int64_t columns() const { return w.columns(); }
  /// Of 16 rows, the last one perhaps of fewer: what work is divided by, packed or not.
  [[nodiscard]] std::int64_t panels() const { return (rows() + kPanelRows - 1) / kPanelRows; }
  /// What a product reads of it.
  [[nodiscard]] std::uint64_t bytes() const {
    if (!packed) return w.bytes;
    return static_cast<std::uint64_t>(panels() * panel_bytes(packed->format, columns()));
  }
};

/// The tokens of a step, by the recipe that they are computed with (docs/engine.md): first those of the output's, then
/// those of the prompt's, who have another arithmetic on AMX alone.
struct StepTokens {
  std::int64_t count = 0;
  std::int64_t prompt_from = 0;  ///< the first of the prompt's; count where there is one recipe
  bool two_recipes = false;      ///< the processor has two, whatever this step's tokens are
  [[nodiscard]] std::int64_t prompts() const { return count - prompt_from; }
  static StepTokens of_output(std::int64_t count) { return {.count = count, .prompt_from = count}; }
};

/// Memory for rounded activations, kept from product to product. One thread at a time.
class QuantizeScratch {
 public:
  QuantizedRows rows(std::int64_t tokens, std::int64_t columns);
  WideRows wide(std::int64_t tokens, std::int64_t columns);
  TiledRows tiles(std::int64_t tokens, std::int64_t columns);
  /// Others, which live beside tiles().
  TiledRows gated_tiles(std::int64_t tokens, std::int64_t columns);
  /// Bytes that it comes to hold.
  static std::int64_t bytes(std::int64_t tokens, std::int64_t columns);

 private:
  std::vector<std::int8_t> codes_;
  std::vector<ActivationGroup> side_;
  std::vector<std::int8_t> wide_codes_;
  std::vector<float> wide_scales_;
  std::vector<std::int32_t> wide_pairs_;
  std::vector<std::int32_t> wide_offsets_;
  std::vector<std::uint16_t> tiles_;
  std::vector<std::uint16_t> gated_;
};

/// Where a product goes: y [tokens, linear.rows()].
struct LinearOutput {
  const Linear& linear;
  float* y;
};

/// Products of one x [tokens, columns] with several weights of that many columns, as one job for all threads.
void apply_linears(const KernelTable& kernels, QuantizeScratch& scratch, const float* x_TC, StepTokens tokens,
                   std::span<const LinearOutput> outputs);
inline void apply_linear(const KernelTable& kernels, QuantizeScratch& scratch, const Linear& linear, const float* x_TC,
                         float* y_TR, StepTokens tokens) {
  const LinearOutput output{linear, y_TR};
  apply_linears(kernels, scratch, x_TC, tokens, {&output, 1});
}

/// Whether the prompt's tokens can go through apply_gated().
bool can_gate(const KernelTable& kernels, const Linear& gate, const Linear& up, const Linear& down);
/// What an MLP begins with: gate_TI and up_TI = the products of the output's tokens, as of apply_linears(), and the
/// result for the prompt's ones: silu(gate) * up as tiles, valid until the scratch is used for others.
TiledRows apply_gated(const KernelTable& kernels, QuantizeScratch& scratch, const float* x_TC, StepTokens tokens,
                      const LinearOutput& gate, const LinearOutput& up);
/// apply_linear() of what apply_gated() gave: x_TC holds the output's tokens.
void apply_down(const KernelTable& kernels, QuantizeScratch& scratch, const Linear& down, const float* x_TC,
                const TiledRows& prompts, float* y_TR, StepTokens tokens);

}  // namespace retort
