// Shell patterns over paths in a repo.
#pragma once

#include <string_view>

namespace retort {

/// `*` any run of characters, slashes included (as the hub's own tools have it: "*.json" finds "sub/a.json"), `?` one
/// character, `[a-z]` and `[!a-z]` one of a set; a pattern that ends in '/' means all below it. The whole path must
/// match; case counts. Time is at most |pattern| x |path|, whatever the pattern.
bool glob_match(std::string_view pattern, std::string_view path);

}  // namespace retort
