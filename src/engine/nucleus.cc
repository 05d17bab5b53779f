#include "engine/nucleus.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

// Weights are summed in bins of the logit, and only the bin in which the sum passes the target is looked into: again by
// bins between its least and its largest logit, until what is left can be sorted or is all equal. A level divides the
// range by 511, so even logits that double from one to the next take no more than some thirty; rows of models take two.

namespace retort {
namespace {

constexpr std::size_t kSortAtMost = 64;

struct Chosen {
  std::int32_t bin = 0;
  double before = 0;  // the sum at its beginning
};

// The bin in which the sum, `before` at the first one, reaches `target`; if it never does, the last that holds
// anything.
Chosen choose(const BinSums& sums, double before, double target) {
  Chosen chosen{0, before};
  for (std::int32_t bin = 0; bin < LogitBins::kCount && before < target; ++bin) {
    if (sums[bin] == 0) continue;
    chosen = {bin, before};
    before += sums[bin];
  }
  return chosen;
}

// The candidate at which the sum, `before` at the first of them, reaches `target`. They are in the order of likelier().
Candidate walk(std::span<const Candidate> sorted, double before, double target) {
  std::size_t last = 0;
  for (std::size_t i = 0; i < sorted.size() && before < target; ++i) {
    last = i;
    before += sorted[i].weight;
  }
  return sorted[last];
}

}  // namespace

Candidate last_in_nucleus(std::span<const Candidate> candidates, double before, double target) {
  std::vector<Candidate> narrowed;
  while (candidates.size() > kSortAtMost) {
    const auto [least, largest] = std::minmax_element(candidates.begin(), candidates.end(),
                                                      [](const Candidate& a, const Candidate& b) { return a.x < b.x; });
    if (least->x == largest->x) return walk(candidates, before, target);  // ascending ids are their order
    // The ends are in bins of their own, so a level always leaves some out.
    const double range = static_cast<double>(largest->x) - least->x;
    const LogitBins bins{largest->x, (LogitBins::kCount - 1) / range};
    BinSums sums{};
    for (const Candidate& c : candidates) sums[bins.of(c.x)] += c.weight;
    const Chosen chosen = choose(sums, before, target);
    before = chosen.before;
    std::vector<Candidate> inside;
    std::copy_if(candidates.begin(), candidates.end(), std::back_inserter(inside),
                 [&](const Candidate& c) { return bins.of(c.x) == chosen.bin; });
    narrowed = std::move(inside);
    candidates = narrowed;
  }
  std::vector<Candidate> sorted(candidates.begin(), candidates.end());
  std::sort(sorted.begin(), sorted.end(), likelier);
  return walk(sorted, before, target);
}

Candidate last_in_nucleus(const Softmax& softmax, double top_p) {
  const double target = top_p * softmax.total();
  // Tokens that each hold less than (1 - top_p) / vocab of the mass hold less than 1 - top_p together, so every one of
  // them comes after the nucleus. On most rows this leaves some hundreds of 152k.
  const double least = (1.0 - top_p) * softmax.total() / static_cast<double>(softmax.logits().size());
  const LogitBins bins = softmax.bins_down_to(least);
  const Chosen chosen = choose(softmax.bin_sums(bins), 0, target);
  return last_in_nucleus(softmax.members(bins, chosen.bin), chosen.before, target);
}

}  // namespace retort
