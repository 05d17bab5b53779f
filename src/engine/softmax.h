// Passes over a row of logits, as the sampler needs them: fast on 152k entries, and the same bits on every processor.
#pragma once

#include <array>
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

/// A token that may be drawn.
struct Candidate {
  float x;       ///< logit, finite
  float weight;  ///< exp((x - max) / temperature), above 0
  std::int32_t id;
};

/// Bins of equal widths, that of the largest logit first; the last one holds all that is left.
struct LogitBins {
  static constexpr std::int32_t kCount = 512;
  double largest;
  double per_logit;  ///< bins in a difference of 1; finite
  /// Never falls from a logit to a smaller one.
  [[nodiscard]] std::int32_t of(float x) const {
    const double bin = (largest - x) * per_logit;
    return static_cast<std::int32_t>(bin < kCount - 1 ? bin : kCount - 1);
  }
  /// No logit of `bin` or a bin before it is below this.
  [[nodiscard]] float at_most(std::int32_t bin) const;
};

/// What the bins of a row hold.
using BinSums = std::array<double, LogitBins::kCount>;

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

  /// Bins whose last one holds the weights below `least` > 0, and no others but for rounding.
  [[nodiscard]] LogitBins bins_down_to(double least) const;
  /// Sum of the weights of each bin but the last, which stays 0; in order of indices.
  [[nodiscard]] BinSums bin_sums(const LogitBins& bins) const;
  /// The entries of one bin that have a weight, in order of indices.
  [[nodiscard]] std::vector<Candidate> members(const LogitBins& bins, std::int32_t bin) const;
  /// What is left of these weights at and before `last` when logits come in descending order, equal ones by index.
  [[nodiscard]] Softmax up_to(const Candidate& last) const;

 private:
  static constexpr std::size_t kBlock = 512;  ///< 2 KiB of weights: they stay in L1 between the two passes over them
  Softmax(std::span<const float> logits, float largest, float inverse_temperature, float bound, std::size_t ties);
  [[nodiscard]] std::size_t block_size(std::size_t block) const;
  /// Weights of the entries [first, first + count) to `out` [count].
  void weights(std::size_t first, std::size_t count, float* out) const;

  std::span<const float> logits_;
  float largest_;
  float inverse_temperature_;
  float bound_;
  std::size_t ties_;          ///< entries that equal the bound have a weight before this index only
  std::vector<double> sums_;  ///< [blocks]
  double total_ = 0;
};

}  // namespace retort
