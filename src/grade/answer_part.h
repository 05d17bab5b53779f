// Which part of a response may hold its answer: what an answer's reasoning says is not an answer.
#pragma once

#include <optional>
#include <string_view>

namespace retort::grade {

enum class ThinkPolicy {
  kStrip,    ///< what follows the last </think>; nothing while a <think> is open; all of it where there is no tag
  kKeep,     ///< all of it
  kRequire,  ///< what follows the last </think>, and nothing where there is none
};

/// "strip", "keep", "require"; nothing for another name.
std::optional<ThinkPolicy> think_policy_from(std::string_view name);
std::string_view to_string(ThinkPolicy policy);

/// A part of `response`, which must outlive it; nothing where the policy finds no answer. An opening tag may be
/// missing: templates put it into the prompt.
std::optional<std::string_view> answer_part(std::string_view response, ThinkPolicy policy);

}  // namespace retort::grade
