// A Codeforces rating for a model, by CodeElo's method (Quan et al., CodeElo, 2025): the model takes part in contests
// that were held, its rank among those who were there tells its rating, and the mean over contests is reported.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/json_fwd.h"

namespace retort::eval {

struct ContestProblem {
  std::string index;             ///< "A", "B1"
  std::optional<double> points;  ///< nothing in contests that count problems and penalty (Educational, Div. 3)
};

struct Contestant {
  double rating = 0;   ///< before the contest
  double points = 0;   ///< officially
  double penalty = 0;  ///< decides between equal points; less is better
};

struct Contest {
  std::string id;
  std::vector<ContestProblem> problems;
  std::vector<Contestant> contestants;
};

/// Contests of a file of the user's (docs/evaluation.md has its fields). kCorrupt names contest and field.
Expected<std::vector<Contest>> parse_standings(const Json& json);
Expected<std::vector<Contest>> read_standings(const std::filesystem::path& path);

/// What the model did with a problem, its samples taken as tries one after another.
struct ProblemTries {
  bool accepted = false;
  std::int64_t failed_before = 0;  ///< tries that failed before the first accepted one
};
/// By the problem's index; a problem that is not there was not solved.
using ContestTries = std::map<std::string, ProblemTries>;

struct ContestResult {
  std::string id;
  double points = 0;
  double penalty = 0;
  std::int64_t rank = 0;  ///< 1: nobody was better
  std::int64_t of = 0;    ///< contestants
  double rating = 0;
};

/// Points: those of the solved problems, each less 50 for every failed try, and not below 0; or where problems have no
/// points 1 for each, and a penalty of 10 for every failed try. Equal points and penalty share the better rank.
ContestResult take_part(const Contest& contest, const ContestTries& tries);

/// The rating R at which 1 + sum_i 1 / (1 + 10^((R - r_i) / 400)), the rank that ratings r_i lead to expect, is `rank`.
/// Between 0 and 4000: a rank of 1 would be reached by no finite one.
double rating_for_rank(std::span<const double> ratings, double rank);

/// Mean of the contests' ratings; nothing without any.
std::optional<double> mean_rating(std::span<const ContestResult> results);

/// How many people have which rating.
class RatingHistogram {
 public:
  /// {"1500": 812, ...}
  static Expected<RatingHistogram> parse(const Json& json);
  static Expected<RatingHistogram> read(const std::filesystem::path& path);
  /// Percent of the people whose rating is lower.
  [[nodiscard]] double percentile(double rating) const;

 private:
  std::map<double, std::int64_t> people_;
  std::int64_t total_ = 0;
};

}  // namespace retort::eval
