// The files behind a Codeforces rating: standings and the histogram of ratings.
#include <charconv>
#include <cmath>
#include <set>

#include "core/json.h"
#include "eval/codeforces.h"
#include "eval/file_bytes.h"

namespace retort::eval {
namespace {

Expected<const Json*> list_of(const Json& object, const char* key) {
  const Json* list = json_find(object, key);
  if (!list) return fail(ErrorCode::kCorrupt, "field '{}' is missing: a list", key);
  if (!list->is_array() || list->empty()) return fail(ErrorCode::kCorrupt, "field '{}' must be a list, not empty", key);
  return list;
}

Expected<double> finite(const Json& object, const char* key, std::optional<double> fallback = std::nullopt) {
  RETORT_TRY(const double number, json_number(object, key, fallback));
  if (!std::isfinite(number) || std::abs(number) > 1e9) {
    return fail(ErrorCode::kCorrupt, "field '{}' must be a number below a billion but is {}", key, number);
  }
  return number;
}

Expected<ContestProblem> problem_of(const Json& json) {
  if (!json.is_object()) return fail(ErrorCode::kCorrupt, "must be an object");
  ContestProblem problem;
  RETORT_TRY(problem.index, json_string(json, "index"));
  if (json_find(json, "points")) {
    RETORT_TRY(problem.points, finite(json, "points"));
  }
  return problem;
}

Expected<Contestant> contestant_of(const Json& json) {
  if (!json.is_object()) return fail(ErrorCode::kCorrupt, "must be an object");
  Contestant contestant;
  RETORT_TRY(contestant.rating, finite(json, "rating"));
  RETORT_TRY(contestant.points, finite(json, "points"));
  RETORT_TRY(contestant.penalty, finite(json, "penalty", 0.0));
  return contestant;
}

Expected<Contest> contest_of(const Json& json) {
  if (!json.is_object()) return fail(ErrorCode::kCorrupt, "must be an object");
  Contest contest;
  const Json* id = json_find(json, "id");
  if (!id || !(id->is_string() || id->is_number_integer())) {
    return fail(ErrorCode::kCorrupt, "field 'id' must be a text or a whole number");
  }
  contest.id = id->is_string() ? id->get<std::string>() : id->dump();
  RETORT_TRY(const Json* problems, list_of(json, "problems"));
  std::set<std::string> indices;
  for (const Json& entry : *problems) {
    auto problem = problem_of(entry);
    if (!problem)
      return fail(std::move(problem).error().within(fmt::format("problem {}", contest.problems.size() + 1)));
    if (!indices.insert(problem->index).second) {
      return fail(ErrorCode::kCorrupt, "problem '{}' is there twice", problem->index);
    }
    contest.problems.push_back(std::move(*problem));
  }
  RETORT_TRY(const Json* contestants, list_of(json, "contestants"));
  for (const Json& entry : *contestants) {
    auto contestant = contestant_of(entry);
    if (!contestant) {
      return fail(std::move(contestant).error().within(fmt::format("contestant {}", contest.contestants.size() + 1)));
    }
    contest.contestants.push_back(*contestant);
  }
  return contest;
}

}  // namespace

Expected<std::vector<Contest>> parse_standings(const Json& json) {
  if (!json.is_object()) return fail(ErrorCode::kCorrupt, "standings must be an object with a list 'contests'");
  RETORT_TRY(const Json* list, list_of(json, "contests"));
  std::vector<Contest> contests;
  std::set<std::string> ids;
  for (const Json& entry : *list) {
    auto contest = contest_of(entry);
    if (!contest) return fail(std::move(contest).error().within(fmt::format("contest {}", contests.size() + 1)));
    if (!ids.insert(contest->id).second) {
      return fail(ErrorCode::kCorrupt, "contest '{}' is there twice", contest->id);
    }
    contests.push_back(std::move(*contest));
  }
  return contests;
}

Expected<std::vector<Contest>> read_standings(const std::filesystem::path& path) {
  RETORT_TRY(const FileBytes file, read_file_bytes(path));
  RETORT_TRY(const Json json, parse_json(file.content, path.string()));
  auto contests = parse_standings(json);
  if (!contests) return fail(std::move(contests).error().within(path.string()));
  return contests;
}

Expected<RatingHistogram> RatingHistogram::parse(const Json& json) {
  if (!json.is_object() || json.empty()) {
    return fail(ErrorCode::kCorrupt, "a histogram of ratings must be an object such as {{\"1500\": 812}}");
  }
  RatingHistogram histogram;
  for (auto it = json.begin(); it != json.end(); ++it) {
    double rating = 0;
    const std::string& key = it.key();
    const auto [rest, error] = std::from_chars(key.data(), key.data() + key.size(), rating);
    if (error != std::errc() || rest != key.data() + key.size() || !std::isfinite(rating)) {
      return fail(ErrorCode::kCorrupt, "a rating must be a number but is '{}'", key);
    }
    // So many that the sum of all fits: there are fewer people.
    if (!it->is_number_integer() || it->get<std::int64_t>() < 0 || it->get<std::int64_t>() > 1'000'000'000) {
      return fail(ErrorCode::kCorrupt, "the people of rating {} must be a whole number up to a billion", key);
    }
    histogram.people_[rating] += it->get<std::int64_t>();
    histogram.total_ += it->get<std::int64_t>();
  }
  if (histogram.total_ == 0) return fail(ErrorCode::kCorrupt, "the histogram of ratings counts nobody");
  return histogram;
}

Expected<RatingHistogram> RatingHistogram::read(const std::filesystem::path& path) {
  RETORT_TRY(const FileBytes file, read_file_bytes(path));
  RETORT_TRY(const Json json, parse_json(file.content, path.string()));
  auto histogram = parse(json);
  if (!histogram) return fail(std::move(histogram).error().within(path.string()));
  return histogram;
}

}  // namespace retort::eval
