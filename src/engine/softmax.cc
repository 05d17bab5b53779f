#include "engine/softmax.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>

// Loops over whole rows, compiled once for each width of vectors and chosen when the program starts. Nothing is fused
// or reordered, so all of them give the same bits. Sanitizers are not ready yet when the choice is made.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define RETORT_EACH_WIDTH __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define RETORT_EACH_WIDTH
#endif

namespace retort {
namespace {

// exp(x) = 2^n exp(r), n the nearest integer to x log2(e), so |r| <= ln(2) / 2. The Taylor polynomial of degree 7 is
// off by at most r^8 / 8! = 5e-9 there; what is left is rounding. ln(2) comes in two parts so that n times the first,
// which has 9 significant bits, is exact.
inline float exp_inline(float x) {
  constexpr float kLog2E = 1.44269504f;
  constexpr float kLn2High = 0.693359375f;        // 355 / 512
  constexpr float kLn2Low = -2.12194440e-4f;      // ln(2) - 355 / 512
  constexpr float kRound = 12582912.0f;           // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
  constexpr float kLeast = -87.0f;                // 2^-126 is exp(-87.3)
  const float clamped = x < kLeast ? kLeast : x;  // also keeps -infinity out
  const float shifted = clamped * kLog2E + kRound;
  const float n = shifted - kRound;
  const float r = (clamped - n * kLn2High) - n * kLn2Low;
  float p = 1.0f / 5040;
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  const auto scale = std::bit_cast<float>((std::bit_cast<std::uint32_t>(shifted) << 23) + (127u << 23));
  return x < kLeast ? 0.0f : p * scale;
}

// out[i] = exp((x[i] - largest) * scale), 0 where x[i] < bound.
RETORT_EACH_WIDTH void weigh(const float* x, std::size_t count, float largest, float scale, float bound, float* out) {
  for (std::size_t i = 0; i < count; ++i) {
    const float weight = exp_inline((x[i] - largest) * scale);
    out[i] = x[i] < bound ? 0.0f : weight;
  }
}

// Of a multiple of 8 weights.
RETORT_EACH_WIDTH double sum_of(const float* weights, std::size_t count) {
  double lanes[8] = {};
  for (std::size_t i = 0; i < count; i += 8) {
    for (std::size_t j = 0; j < 8; ++j) lanes[j] += static_cast<double>(weights[i + j]);
  }
  return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

// Whether any exponent is all ones: NaN or infinity.
RETORT_EACH_WIDTH bool has_non_finite(const float* x, std::size_t count) {
  std::uint32_t found = 0;
  for (std::size_t i = 0; i < count; ++i) {
    found |= static_cast<std::uint32_t>((std::bit_cast<std::uint32_t>(x[i]) & 0x7f800000u) == 0x7f800000u);
  }
  return found != 0;
}

RETORT_EACH_WIDTH bool any_from(const float* x, std::size_t count, float bound) {
  std::uint32_t found = 0;
  for (std::size_t i = 0; i < count; ++i) found |= static_cast<std::uint32_t>(x[i] >= bound);
  return found != 0;
}

RETORT_EACH_WIDTH bool any_equal(const std::int32_t* x, std::size_t count, std::int32_t value) {
  std::uint32_t found = 0;
  for (std::size_t i = 0; i < count; ++i) found |= static_cast<std::uint32_t>(x[i] == value);
  return found != 0;
}

RETORT_EACH_WIDTH void find_bins(const float* x, std::size_t count, LogitBins bins, std::int32_t* out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = bins.of(x[i]);
}

// Entries that are looked at together: most of a row's are passed over.
constexpr std::size_t kFew = 64;

// Smallest float >= bound: a float is below it exactly if it is below `bound`.
float round_up(double bound) {
  auto narrow = static_cast<float>(bound);
  if (narrow < bound) narrow = std::nextafter(narrow, std::numeric_limits<float>::infinity());
  return narrow;
}

// Never 0, which times -infinity would be no number.
float inverse_of(double temperature) {
  return static_cast<float>(std::max<double>(1.0 / temperature, std::numeric_limits<float>::min()));
}

}  // namespace

float exp_weight(float x) { return exp_inline(x); }

bool all_finite(std::span<const float> row) { return !has_non_finite(row.data(), row.size()); }

float row_max(std::span<const float> row) {
  // Running maxima side by side, so that the loop is one of vectors; no lane waits for another.
  constexpr std::size_t kLanes = 64;
  float largest[kLanes];
  std::uint32_t nan_seen[kLanes] = {};
  std::fill_n(largest, kLanes, -std::numeric_limits<float>::infinity());
  const auto look = [&](const float* x, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      largest[i] = x[i] > largest[i] ? x[i] : largest[i];
      nan_seen[i] |= static_cast<std::uint32_t>(x[i] != x[i]);
    }
  };
  std::size_t first = 0;
  for (; first + kLanes <= row.size(); first += kLanes) look(row.data() + first, kLanes);
  look(row.data() + first, row.size() - first);
  if (std::any_of(nan_seen, nan_seen + kLanes, [](std::uint32_t seen) { return seen != 0; })) {
    return std::numeric_limits<float>::quiet_NaN();
  }
  return *std::max_element(largest, largest + kLanes);
}

std::int32_t first_of(std::span<const float> row, float value) {
  const auto found = std::find(row.begin(), row.end(), value);
  return found == row.end() ? 0 : static_cast<std::int32_t>(found - row.begin());
}

float kth_largest(std::span<const float> row, std::int64_t k) {
  // Collects what may be among the k largest, and cuts back to k whenever twice that (or a page of them) has come: the
  // bound rises fast, and nearly all of a long row is passed over with one comparison.
  const auto keep = static_cast<std::size_t>(k);
  const std::size_t capacity = std::max<std::size_t>(2 * keep, 1024);
  std::vector<float> kept;
  kept.reserve(std::min(capacity, row.size()));
  float bound = -std::numeric_limits<float>::infinity();
  bool full = false;  // `bound` is the k-th largest of what was seen
  for (const float x : row) {
    if (full && x <= bound) continue;
    kept.push_back(x);
    if (kept.size() < capacity) continue;
    std::nth_element(kept.begin(), kept.begin() + (keep - 1), kept.end(), std::greater<>());
    kept.resize(keep);
    bound = kept.back();
    full = true;
  }
  std::nth_element(kept.begin(), kept.begin() + (keep - 1), kept.end(), std::greater<>());
  return kept[keep - 1];
}

Softmax::Softmax(std::span<const float> logits, float largest, double temperature, double bound)
    : Softmax(logits, largest, inverse_of(temperature), std::min(round_up(bound), largest), logits.size()) {}

Softmax::Softmax(std::span<const float> logits, float largest, float inverse_temperature, float bound, std::size_t ties)
    : logits_(logits),
      largest_(largest),
      inverse_temperature_(inverse_temperature),
      bound_(bound),
      ties_(ties),
      sums_((logits.size() + kBlock - 1) / kBlock) {
  float out[kBlock];
  for (std::size_t block = 0; block < sums_.size(); ++block) {
    const std::size_t first = block * kBlock;
    const std::size_t count = block_size(block);
    if (!any_from(logits_.data() + first, count, bound_)) continue;
    weights(first, count, out);
    std::fill(out + count, out + kBlock, 0.0f);
    sums_[block] = sum_of(out, kBlock);
    total_ += sums_[block];
  }
}

std::size_t Softmax::block_size(std::size_t block) const { return std::min(kBlock, logits_.size() - block * kBlock); }

void Softmax::weights(std::size_t first, std::size_t count, float* out) const {
  const std::size_t with_ties = std::min(std::max(ties_, first) - first, count);
  const float* x = logits_.data() + first;
  weigh(x, with_ties, largest_, inverse_temperature_, bound_, out);
  if (with_ties == count) return;
  const float above = std::nextafter(bound_, std::numeric_limits<float>::infinity());
  weigh(x + with_ties, count - with_ties, largest_, inverse_temperature_, above, out + with_ties);
}

float LogitBins::at_most(std::int32_t bin) const {
  const auto x = static_cast<float>(largest - (bin + 1.01) / per_logit);
  return std::nextafter(x, -std::numeric_limits<float>::infinity());
}

LogitBins Softmax::bins_down_to(double least) const {
  // A thousandth at least: nearly flat rows need no finer bins, and the quotient stays finite.
  const double range = std::max(-std::log(least), 1e-3);
  return {largest_, (LogitBins::kCount - 1) / range * inverse_temperature_};
}

BinSums Softmax::bin_sums(const LogitBins& bins) const {
  constexpr std::int32_t kLast = LogitBins::kCount - 1;
  const float least = bins.at_most(kLast - 1);
  BinSums out{};
  for (std::size_t first = 0; first < logits_.size(); first += kFew) {
    const std::size_t count = std::min(kFew, logits_.size() - first);
    if (!any_from(logits_.data() + first, count, least)) continue;
    std::int32_t bin[kFew];
    float weight[kFew];
    find_bins(logits_.data() + first, count, bins, bin);
    weights(first, count, weight);
    for (std::size_t i = 0; i < count; ++i) out[bin[i]] += static_cast<double>(weight[i]);
  }
  out[kLast] = 0;  // not all of its chunks were looked at
  return out;
}

std::vector<Candidate> Softmax::members(const LogitBins& bins, std::int32_t bin) const {
  const float least = bins.at_most(bin);
  std::vector<Candidate> out;
  for (std::size_t first = 0; first < logits_.size(); first += kFew) {
    const std::size_t count = std::min(kFew, logits_.size() - first);
    if (!any_from(logits_.data() + first, count, least)) continue;
    std::int32_t found[kFew];
    find_bins(logits_.data() + first, count, bins, found);
    if (!any_equal(found, count, bin)) continue;
    float weight[kFew];
    weights(first, count, weight);
    for (std::size_t i = 0; i < count; ++i) {
      if (found[i] != bin || weight[i] == 0) continue;
      out.push_back({logits_[first + i], weight[i], static_cast<std::int32_t>(first + i)});
    }
  }
  return out;
}

Softmax Softmax::up_to(const Candidate& last) const {
  return {logits_, largest_, inverse_temperature_, last.x, static_cast<std::size_t>(last.id) + 1};
}

std::int32_t Softmax::draw(double u) const {
  const double target = u * total_;
  // The block in which the sum passes; rounding can leave a hair more than all hold: then the last that holds anything.
  std::size_t chosen = 0;
  double start = 0;  // sum of the blocks before it
  double sum = 0;
  for (std::size_t block = 0; block < sums_.size() && target >= sum; ++block) {
    if (sums_[block] == 0) continue;
    chosen = block;
    start = sum;
    sum += sums_[block];
  }
  float out[kBlock];
  const std::size_t count = block_size(chosen);
  weights(chosen * kBlock, count, out);
  double left = target - start;
  std::size_t last = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (out[i] == 0) continue;
    last = i;
    left -= static_cast<double>(out[i]);
    if (left < 0) break;
  }
  return static_cast<std::int32_t>(chosen * kBlock + last);
}

}  // namespace retort
