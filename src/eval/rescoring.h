// That a run was graded again, and by which rules: kept with it, so that a score can be told from the first one.
#pragma once

#include <cstdint>
#include <string>

namespace retort::eval {

/// What of a run's configuration decides grades alone. Names as the configuration has them.
struct GradeRules {
  std::string think;    ///< "strip", "keep", "require"
  std::string profile;  ///< empty: the grader's default
};

struct Rescoring {
  std::string at;              ///< UTC; the store fills it in
  std::string retort_version;  ///< that graded; the store fills it in
  std::int64_t task_version = 0;
  GradeRules before;
  GradeRules after;
  std::int64_t samples = 0;  ///< graded again
  std::int64_t changed = 0;  ///< of these, how many have another outcome or score now
};

}  // namespace retort::eval
