// Strings that end an answer, found as its text streams: no part of one is ever let through.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace retort {

/// One per answer.
class StopStrings {
 public:
  /// Empty strings are left out.
  explicit StopStrings(std::vector<std::string> stops);

  /// What became certain with this text: all before the stop string that is complete first, or before
  /// what may still become one. Gives
  /// nothing once stopped.
  std::string push(std::string_view text);
  /// What was held back; call once, at the end.
  std::string finish();

  /// The string that ended it: the one that was complete first, of several the longest.
  [[nodiscard]] const std::optional<std::string>& stopped() const { return stopped_; }

 private:
  std::vector<std::string> stops_;
  std::string held_;  ///< shorter than the longest stop string
  std::optional<std::string> stopped_;
};

}  // namespace retort
