#include "grade/maths/profile.h"

namespace retort::grade {

std::string_view to_string(MathsProfile profile) {
  switch (profile) {
    case MathsProfile::kMathVerify:
      return "math_verify";
    case MathsProfile::kQwen:
      return "qwen";
    case MathsProfile::kHendrycks:
      return "hendrycks";
    case MathsProfile::kStrict:
      return "strict";
  }
  return "unknown";
}

std::optional<MathsProfile> maths_profile_from(std::string_view name) {
  for (const MathsProfile profile :
       {MathsProfile::kMathVerify, MathsProfile::kQwen, MathsProfile::kHendrycks, MathsProfile::kStrict}) {
    if (name == to_string(profile)) return profile;
  }
  return std::nullopt;
}

}  // namespace retort::grade
