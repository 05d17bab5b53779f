#include "eval/grade_profile.h"

#include "grade/maths/profile.h"

namespace retort::eval {
namespace {

bool is_known(GradeKind kind, std::string_view profile) {
  switch (kind) {
    case GradeKind::kMaths:
      return grade::maths_profile_from(profile).has_value();
    case GradeKind::kNumber:
      return profile == "flexible" || profile == "strict";
    case GradeKind::kCodeContest:
      return profile == "codeforces" || profile == "livecodebench";
    default:
      return false;
  }
}

std::string_view known_profiles(GradeKind kind) {
  switch (kind) {
    case GradeKind::kMaths:
      return "there are math_verify, qwen, hendrycks and strict";
    case GradeKind::kNumber:
      return "there are flexible and strict";
    case GradeKind::kCodeContest:
      return "there are codeforces and livecodebench";
    default:
      return "its answers are graded in one way";
  }
}

}  // namespace

Status check_profile(GradeKind kind, std::string_view profile) {
  if (profile.empty() || is_known(kind, profile)) return {};
  return fail(ErrorCode::kInvalidArgument, "no profile '{}' of the kind '{}': {}", profile, to_string(kind),
              known_profiles(kind));
}

}  // namespace retort::eval
