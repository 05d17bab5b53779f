// Where top_p cuts, without sorting what it keeps.
#pragma once

#include <span>

#include "engine/softmax.h"

namespace retort {

/// The order in which top_p takes tokens: by logit, of equal ones the lower id first.
inline bool likelier(const Candidate& a, const Candidate& b) { return a.x != b.x ? a.x > b.x : a.id < b.id; }

/// The last one (by `likelier`) that top_p keeps: `before`, the weight of tokens likelier than all of these, and the
/// ones before it hold less than `target`, with it they hold as much; the last of all if rounding leaves less in all.
/// `candidates` are not empty and in ascending order of ids. Takes time in proportion to their number, whatever their
/// logits, and sums in an order that depends on them alone.
Candidate last_in_nucleus(std::span<const Candidate> candidates, double before, double target);

/// The same of a whole row, the target being `top_p` of its sum; top_p in (0, 1).
Candidate last_in_nucleus(const Softmax& softmax, double top_p);

}  // namespace retort
