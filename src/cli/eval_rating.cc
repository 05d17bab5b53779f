#include "cli/eval_rating.h"

#include <fmt/format.h>
#include <map>
#include <optional>
#include <vector>

#include "core/json.h"
#include "eval/codeforces.h"

namespace retort::cli {

Status print_rating(const RatedRun& run, const RatingFiles& files) {
  RETORT_TRY(const std::vector<eval::Contest> contests, eval::read_standings(files.standings));
  std::map<std::string, eval::ContestTries> tries;
  for (const eval::Sample& sample : run.samples) {
    const OrderedJson& row = run.rows.questions.rows[static_cast<std::size_t>(sample.row)].value;
    if (!row.contains("contest_id") || !row.contains("index")) {
      return fail(ErrorCode::kInvalidArgument, "--standings: the rows of {} name no contest_id and index",
                  run.task.name);
    }
    const OrderedJson& id = row["contest_id"];
    eval::ProblemTries& problem =
        tries[id.is_string() ? id.get<std::string>() : id.dump()][row["index"].get<std::string>()];
    if (problem.accepted) continue;
    problem.accepted = sample.score >= 1;
    if (!problem.accepted) ++problem.failed_before;
  }
  std::vector<eval::ContestResult> results;
  for (const eval::Contest& contest : contests) {
    if (const auto found = tries.find(contest.id); found != tries.end()) {
      results.push_back(eval::take_part(contest, found->second));
    }
  }
  const std::optional<double> rating = eval::mean_rating(results);
  if (!rating) return fail(ErrorCode::kNotFound, "{}: none of its contests is in the data", files.standings);
  fmt::print("{:<12} {:<16} {:.0f} over {} contests", run.task.name, "rating", *rating, results.size());
  if (!files.histogram.empty()) {
    RETORT_TRY(const eval::RatingHistogram histogram, eval::RatingHistogram::read(files.histogram));
    fmt::print(", above {:.1f}% of those rated", histogram.percentile(*rating));
  }
  fmt::print("\n");
  return {};
}

}  // namespace retort::cli
