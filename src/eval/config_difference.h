// In what two configurations of runs differ, as a person reads it.
#pragma once

#include <string>
#include <vector>

#include "core/json_fwd.h"

namespace retort::eval {

struct ConfigDifference {
  std::string field;  ///< "sampling.temperature"
  std::string a;      ///< JSON, cut where it is long; "absent"
  std::string b;
};

/// Sorted by field.
std::vector<ConfigDifference> config_differences(const Json& a, const Json& b);

/// "sampling.temperature is 0.6 there and 0.7 here; ...", at most five and how many more.
std::string describe(const std::vector<ConfigDifference>& differences);

}  // namespace retort::eval
