#include "eval/codeforces.h"

#include <algorithm>
#include <cmath>

namespace retort::eval {
namespace {

constexpr double kLowestRating = 0;
constexpr double kHighestRating = 4000;
constexpr double kPointsPerFailure = 50;
constexpr double kPenaltyPerFailure = 10;

}  // namespace

double rating_for_rank(std::span<const double> ratings, double rank) {
  const auto expected_rank = [&ratings](double rating) {
    double sum = 1;
    for (const double other : ratings) sum += 1 / (1 + std::pow(10.0, (rating - other) / 400));
    return sum;
  };
  double low = kLowestRating;
  double high = kHighestRating;
  // The expected rank falls as the rating grows. 40 halvings leave less than 1e-8 of a point.
  for (int halving = 0; halving < 40; ++halving) {
    const double middle = (low + high) / 2;
    (expected_rank(middle) < rank ? high : low) = middle;
  }
  return (low + high) / 2;
}

ContestResult take_part(const Contest& contest, const ContestTries& tries) {
  ContestResult result{.id = contest.id, .of = static_cast<std::int64_t>(contest.contestants.size())};
  for (const ContestProblem& problem : contest.problems) {
    const auto found = tries.find(problem.index);
    if (found == tries.end() || !found->second.accepted) continue;
    const auto failures = static_cast<double>(found->second.failed_before);
    if (problem.points) {
      result.points += std::max(0.0, *problem.points - kPointsPerFailure * failures);
    } else {
      result.points += 1;
      result.penalty += kPenaltyPerFailure * failures;
    }
  }
  result.rank = 1;
  std::vector<double> ratings;
  ratings.reserve(contest.contestants.size());
  for (const Contestant& other : contest.contestants) {
    const bool better =
        other.points > result.points || (other.points == result.points && other.penalty < result.penalty);
    result.rank += better ? 1 : 0;
    ratings.push_back(other.rating);
  }
  result.rating = rating_for_rank(ratings, static_cast<double>(result.rank));
  return result;
}

std::optional<double> mean_rating(std::span<const ContestResult> results) {
  if (results.empty()) return std::nullopt;
  double sum = 0;
  for (const ContestResult& result : results) sum += result.rating;
  return sum / static_cast<double>(results.size());
}

double RatingHistogram::percentile(double rating) const {
  std::int64_t lower = 0;
  for (auto it = people_.begin(); it != people_.end() && it->first < rating; ++it) lower += it->second;
  return 100 * static_cast<double>(lower) / static_cast<double>(total_);
}

}  // namespace retort::eval
