#include "eval/majority.h"

#include <vector>

namespace retort::eval {

bool same_text(std::string_view a, std::string_view b) { return a == b; }

std::optional<Majority> majority(std::span<const std::optional<std::string>> answers, const SameAnswer& same) {
  std::vector<Majority> groups;  // in the order of their first members
  std::size_t voters = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i]) continue;
    ++voters;
    Majority* group = nullptr;
    for (Majority& candidate : groups) {
      if (!same(*answers[candidate.first], *answers[i])) continue;
      group = &candidate;
      break;
    }
    if (group) {
      ++group->votes;
    } else {
      groups.push_back({.first = i, .votes = 1});
    }
  }
  if (groups.empty()) return std::nullopt;
  Majority winner = groups.front();
  for (const Majority& group : groups) {
    if (group.votes > winner.votes) winner = group;
  }
  winner.voters = voters;
  return winner;
}

}  // namespace retort::eval
