#include "eval/selection.h"

#include <charconv>
#include <unordered_set>

#include "eval/random.h"

namespace retort::eval {
namespace {

constexpr std::uint64_t kOrderStream = 1;

Expected<std::vector<std::size_t>> chosen_places(std::span<const std::string> all_ids,
                                                 const std::vector<std::string>& wanted) {
  std::unordered_set<std::string_view> missing(wanted.begin(), wanted.end());
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < all_ids.size(); ++i) {
    if (wanted.empty() || missing.erase(all_ids[i]) > 0) places.push_back(i);
  }
  // The first one missing in the order asked, so that the message does not depend on a hash.
  for (const std::string& id : wanted) {
    if (!missing.contains(id)) continue;
    return fail(ErrorCode::kInvalidArgument, "no question has the id '{}'; the task has {}, from '{}' to '{}'", id,
                all_ids.size(), all_ids.empty() ? "" : all_ids.front(), all_ids.empty() ? "" : all_ids.back());
  }
  return places;
}

}  // namespace

Expected<Shard> parse_shard(std::string_view text) {
  Shard shard;
  const char* const end = text.data() + text.size();
  const auto [slash, first] = std::from_chars(text.data(), end, shard.index);
  if (first == std::errc() && slash != end && *slash == '/') {
    const auto [rest, second] = std::from_chars(slash + 1, end, shard.count);
    if (second == std::errc() && rest == end && shard.index >= 0 && shard.index < shard.count) return shard;
  }
  return fail(ErrorCode::kInvalidArgument, "a shard must be I/N with 0 <= I < N, as in 0/4, but is '{}'", text);
}

Expected<std::vector<std::size_t>> select_questions(std::span<const std::string> all_ids, const Selection& selection) {
  if (selection.limit && *selection.limit < 1) {
    return fail(ErrorCode::kInvalidArgument, "the limit must be at least 1 question but is {}", *selection.limit);
  }
  RETORT_TRY(const std::vector<std::size_t> places, chosen_places(all_ids, selection.ids));
  std::vector<std::size_t> order(places);
  if (selection.order_seed) {
    const auto shuffled = permutation(places.size(), RandomStream(*selection.order_seed, kOrderStream));
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = places[shuffled[i]];
  }
  std::vector<std::size_t> selected;
  for (auto i = static_cast<std::size_t>(selection.shard.index); i < order.size();
       i += static_cast<std::size_t>(selection.shard.count)) {
    if (selection.limit && selected.size() == static_cast<std::size_t>(*selection.limit)) break;
    selected.push_back(order[i]);
  }
  if (selected.empty()) {
    return fail(ErrorCode::kInvalidArgument, "shard {}/{} of {} questions is empty", selection.shard.index,
                selection.shard.count, order.size());
  }
  return selected;
}

}  // namespace retort::eval
