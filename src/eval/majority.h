// The answer that most samples gave (maj@k, cons@k, self-consistency).
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace retort::eval {

/// Whether two answers mean the same. Should be symmetric; where it is not transitive, an answer joins the first group
/// whose first member it equals.
using SameAnswer = std::function<bool(std::string_view, std::string_view)>;

/// Byte for byte.
bool same_text(std::string_view a, std::string_view b);

struct Majority {
  std::size_t first = 0;   ///< the sample that gave the winning answer first
  std::size_t votes = 0;   ///< samples that gave it
  std::size_t voters = 0;  ///< samples that had an answer
};

/// Among answers in the order in which they were sampled; those that are nothing do not vote. Of several answers with
/// equally many votes, the one seen first wins. Nothing if nobody votes. At most n^2/2 comparisons.
std::optional<Majority> majority(std::span<const std::optional<std::string>> answers, const SameAnswer& same);

}  // namespace retort::eval
