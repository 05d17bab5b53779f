// How much each column of a matrix matters: what a better choice of scales is made with.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace retort {

/// By the matrix' name in the checkpoint ("model.layers.0.mlp.down_proj.weight"): [columns], the mean square of what
/// the column is multiplied with, relative to the matrix' average of it. A matrix that is not here has equal columns.
using Importance = std::map<std::string, std::vector<float>, std::less<>>;

}  // namespace retort
