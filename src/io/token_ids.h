// Lists of token ids as configuration files have them.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/json_fwd.h"

namespace retort {

/// One id or a list of them; absent or null gives none.
Expected<std::vector<std::int64_t>> read_token_ids(const Json& object, std::string_view key);

/// Appends `id` unless it is there already.
void add_token_id(std::vector<std::int64_t>& ids, std::int64_t id);

}  // namespace retort
