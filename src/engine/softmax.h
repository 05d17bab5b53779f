// Passes over a row of logits, as the sampler needs them: fast on 152k entries, and the same bits on every processor.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace retort {

/// exp(x) for x <= 0, relative error below 3e-7; 0 below -87, where float has no normal numbers left. Plain fp32
/// arithmetic in a fixed order and no libm, so the bits do not depend on the processor.
float exp_weight(float x);

/// Neither NaN nor infinity among them.
bool all_finite(std::span<const float> row);

/// Largest entry; NaN if there is any. `row` is not empty.
float row_max(std::span<const float> row);

/// Index of the first entry that equals `value`; 0 if there is none.
std::int32_t first_of(std::span<const float> row, float value);

/// The k-th largest entry, 1 <= k <= row.size(), counting equal ones separately. No NaN.
float kth_largest(std::span<const float> row, std::int64_t k);

/// Weights exp((x - max) / temperature) of the entries x >= bound, and 0 of the others. Keeps sums per block only.
class Softmax {
 public:
  /// `logits` outlives this; finite or -infinity; `largest` (finite) is their maximum and is never below `bound`.
  Softmax(std::span<const float> logits, float largest, double temperature, double bound);

  [[nodiscard]] std::span<const float> logits() const { return logits_; }
  /// Sum of the weights, >= 1: the largest one is 1.
  [[nodiscard]] double total() const { return total_; }
  /// The index at which the running sum passes u * total(); u in [0, 1). Never one of weight 0.
  [[nodiscard]] std::int32_t draw(double u) const;

  /// visit(index, logit, weight) in order for every weight >= `least`.
  template <typename Visit>
  void for_each_above(double least, Visit&& visit) const {
    std::vector<float> weights(kBlock);
    for (std::size_t block = 0; block < sums_.size(); ++block) {
      if (sums_[block] < least) continue;
      const std::size_t count = block_weights(block, weights.data());
      for (std::size_t i = 0; i < count; ++i) {
        if (weights[i] >= least && weights[i] > 0) {
          visit(static_cast<std::int32_t>(block * kBlock + i), logits_[block * kBlock + i], weights[i]);
        }
      }
    }
  }

 private:
  static constexpr std::size_t kBlock = 512;  ///< 2 KiB of weights: they stay in L1 between the two passes over them
  /// Weights of block `block` to `out` [kBlock]; returns how many there are.
  std::size_t block_weights(std::size_t block, float* out) const;

  std::span<const float> logits_;
  float largest_;
  float inverse_temperature_;
  float bound_;
  std::vector<double> sums_;  ///< [blocks]
  double total_ = 0;
};

}  // namespace retort
