#include "text/stop_strings.h"

#include <algorithm>
#include <utility>

namespace retort {

StopStrings::StopStrings(std::vector<std::string> stops) : stops_(std::move(stops)) {
  std::erase_if(stops_, [](const std::string& stop) { return stop.empty(); });
}

std::string StopStrings::push(std::string_view text) {
  if (stopped_) return {};
  held_ += text;
  // The one that is complete first, of several the longest: so the cuts between pushes make no difference.
  std::size_t first = std::string::npos;
  std::size_t end = std::string::npos;
  for (const std::string& stop : stops_) {
    const std::size_t at = held_.find(stop);
    if (at == std::string::npos || at + stop.size() > end || (at + stop.size() == end && at >= first)) continue;
    first = at;
    end = at + stop.size();
    stopped_ = stop;
  }
  if (stopped_) {
    std::string before = held_.substr(0, first);
    held_.clear();
    return before;
  }
  // The earliest place from which a stop string may still come.
  std::size_t keep = held_.size();
  for (const std::string& stop : stops_) {
    const std::size_t longest = std::min(held_.size(), stop.size() - 1);
    for (std::size_t n = longest; n > 0; --n) {
      if (std::string_view(held_).substr(held_.size() - n) == std::string_view(stop).substr(0, n)) {
        keep = std::min(keep, held_.size() - n);
        break;
      }
    }
  }
  std::string certain = held_.substr(0, keep);
  held_.erase(0, keep);
  return certain;
}

std::string StopStrings::finish() { return std::exchange(held_, {}); }

}  // namespace retort
