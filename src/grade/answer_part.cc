#include "grade/answer_part.h"

namespace retort::grade {
namespace {

constexpr std::string_view kOpen = "<think>";
constexpr std::string_view kClose = "</think>";

}  // namespace

std::optional<ThinkPolicy> think_policy_from(std::string_view name) {
  for (const ThinkPolicy policy : {ThinkPolicy::kStrip, ThinkPolicy::kKeep, ThinkPolicy::kRequire}) {
    if (name == to_string(policy)) return policy;
  }
  return std::nullopt;
}

std::string_view to_string(ThinkPolicy policy) {
  switch (policy) {
    case ThinkPolicy::kStrip:
      return "strip";
    case ThinkPolicy::kKeep:
      return "keep";
    case ThinkPolicy::kRequire:
      return "require";
  }
  return "unknown";
}

std::optional<std::string_view> answer_part(std::string_view response, ThinkPolicy policy) {
  if (policy == ThinkPolicy::kKeep) return response;
  const std::size_t close = response.rfind(kClose);
  const std::size_t open = response.rfind(kOpen);
  if (close == std::string_view::npos) {
    if (policy == ThinkPolicy::kRequire || open != std::string_view::npos) return std::nullopt;
    return response;
  }
  if (open != std::string_view::npos && open > close) return std::nullopt;  // thinks again and never ends
  return response.substr(close + kClose.size());
}

}  // namespace retort::grade
