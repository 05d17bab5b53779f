// Which questions of a task are asked, and in which order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace retort::eval {

/// Part `index` (from 0) of `count` equal parts, so that several machines share a task.
struct Shard {
  std::int64_t index = 0;
  std::int64_t count = 1;
};
/// "0/4" to "3/4"; kInvalidArgument for anything else.
Expected<Shard> parse_shard(std::string_view text);

/// Applied in this order: ids, order, shard, limit.
struct Selection {
  std::vector<std::string> ids;             ///< only these; empty: all
  std::optional<std::uint64_t> order_seed;  ///< in random order; nothing: as in the file
  Shard shard;                              ///< every count-th, so that parts are alike where difficulty rises
  std::optional<std::int64_t> limit;        ///< at most so many
};

/// Places in `all_ids`. kInvalidArgument for an id that is not there, a limit below 1, and where nothing is left.
Expected<std::vector<std::size_t>> select_questions(std::span<const std::string> all_ids, const Selection& selection);

}  // namespace retort::eval
